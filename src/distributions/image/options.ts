/** The words of one command line: which options take no value, or, for others, which do. */
export interface CommandLine {
  readonly engine: string;
  /** Options before the verb that take a value. */
  readonly globals: ReadonlySet<string>;
  /** Verbs after which an image follows the options, as they are written: `run`, `container run`. */
  readonly runs: readonly string[];
  /** Verbs after which a container follows. */
  readonly enters: readonly string[];
  /** Options of these verbs: the ones that take a value, or all that take none. */
  readonly options: { readonly valued: ReadonlySet<string> } | { readonly flags: ReadonlySet<string> };
}

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** docker-run(1), podman-run(1), nerdctl's command reference: all others take a value. */
const dockerFlags = words(`
  -d --detach -i --interactive -t --tty --rm --init --privileged --read-only -P --publish-all --no-healthcheck
  --oom-kill-disable --sig-proxy --disable-content-trust -q --quiet --use-api-socket --help
  --tls-verify --replace --rmi --no-hosts --no-hostname --passwd --env-host --http-proxy --rootfs --read-only-tmpfs
  --unsetenv-all -l --latest --rdt-class --insecure-registry`);

const docker: Omit<CommandLine, 'engine'> = {
  globals: words(`--config -c --context -H --host -l --log-level --tlscacert --tlscert --tlskey --connection --url
    --identity --root --runroot --storage-driver --storage-opt --runtime --cgroup-manager --conmon --module --namespace
    -n --address -a --snapshotter --cni-path --cni-netconfpath --data-root --hosts-dir --events-backend --hooks-dir
    --network-cmd-path --network-config-dir --out --registries-conf --runtime-flag --ssh --tmpdir --volumepath`),
  runs: ['run', 'create', 'container run', 'container create'],
  enters: ['exec', 'container exec'],
  options: { flags: dockerFlags },
};

/** `apptainer help exec`: all others are switches. */
const apptainer: Omit<CommandLine, 'engine'> = {
  globals: words('-c --config --build-config'),
  runs: ['exec', 'run', 'shell', 'test', 'instance start', 'instance run'],
  enters: [],
  options: {
    valued: words(`
      --add-caps --app --apply-cgroups --arch --authfile -B --bind --blkio-weight --blkio-weight-device --cpu-shares
      --cpus --cpuset-cpus --cpuset-mems --cwd --dns --docker-host --docker-username --docker-password --drop-caps --env
      --env-file --fusemount -H --home --hostname --library --memory --memory-reservation --memory-swap --mount
      --network --network-args --nvccli-options -o --overlay --pem-path --pid-file --pids-limit --pwd -S --scratch
      --security -s --shell --ulimit -W --workdir`),
  },
};

/** `ch-run --help`. */
const charliecloud: Omit<CommandLine, 'engine'> = {
  globals: words('-b --bind -c --cd -g --gid -m --mount -s --storage -u --uid -t --unset-env --color --quiet'),
  runs: [''],
  enters: [],
  options: { valued: words('-b --bind -c --cd -g --gid -m --mount -s --storage -u --uid --unset-env --abort-fatal') },
};

/** `udocker --help`: its options hold their values with `=`. */
const udocker: Omit<CommandLine, 'engine'> = {
  globals: words('--repo --config'),
  runs: ['run', 'create', 'pull'],
  enters: [],
  options: { valued: new Set() },
};

/** By the name of the program. */
export const commandLines: ReadonlyMap<string, CommandLine> = new Map(
  [
    ['docker', docker] as const,
    ['podman', docker] as const,
    ['nerdctl', docker] as const,
    ['apptainer', apptainer] as const,
    ['singularity', apptainer] as const,
    ['ch-run', charliecloud] as const,
    ['udocker', udocker] as const,
  ].map(([name, line]) => [name, { ...line, engine: name === 'ch-run' ? 'charliecloud' : name }]),
);

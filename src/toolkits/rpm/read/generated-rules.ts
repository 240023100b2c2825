/** Files that no package has, and the package whose scripts or programs make them. */
export interface GeneratedRule {
  /** Packages that make it; the first that is installed counts. */
  readonly by: readonly string[];
  /** Else whoever has this program. */
  readonly program?: string;
  /** Canonical paths; `*` within one name, `**` over several. */
  readonly paths: readonly string[];
  /** How, for people. */
  readonly because: string;
  /** Made from what this machine was told: what is used of it is kept, for no other machine makes the same. */
  readonly kept?: true;
}

const conf = 'written when it was set up';

export const rules: readonly GeneratedRule[] = [
  { by: ['glibc'], program: '/usr/sbin/ldconfig', paths: ['/etc/ld.so.cache'], because: 'made by ldconfig' },
  {
    by: ['glibc'],
    program: '/usr/sbin/ldconfig',
    paths: ['/var/cache/ldconfig/**'],
    because: 'remembered by ldconfig',
  },
  {
    by: ['glibc'],
    program: '/usr/sbin/iconvconfig',
    paths: ['/usr/lib64/gconv/gconv-modules.cache', '/usr/lib/gconv/gconv-modules.cache'],
    because: 'made by iconvconfig',
  },
  {
    by: ['glibc-common', 'glibc'],
    paths: ['/usr/lib/locale/locale-archive'],
    because: 'made by build-locale-archive',
    kept: true,
  },
  {
    by: ['rpm'],
    program: '/usr/bin/rpm',
    paths: ['/var/lib/rpm/**', '/usr/lib/sysimage/rpm/**'],
    because: "rpm's own database",
  },
  { by: ['rpm'], program: '/usr/bin/rpm', paths: ['/etc/rpm/macros*'], because: conf, kept: true },
  {
    by: ['dnf-data', 'dnf', 'dnf5', 'libdnf5', 'microdnf', 'libdnf', 'python3-dnf'],
    paths: [
      '/var/lib/dnf/**',
      '/var/cache/dnf/**',
      '/var/cache/libdnf5/**',
      '/usr/lib/sysimage/libdnf5/**',
      '/etc/dnf/modules.d/*.module',
    ],
    because: "dnf's own marks and caches",
  },
  {
    by: ['yum'],
    program: '/usr/bin/yum',
    paths: ['/var/lib/yum/**', '/var/cache/yum/**'],
    because: "yum's own marks and caches",
  },
  {
    by: ['dnf-data', 'dnf', 'dnf5', 'libdnf5', 'microdnf', 'yum', 'python3-dnf', 'rpm'],
    paths: ['/etc/yum.repos.d/*.repo', '/etc/dnf/vars/*', '/etc/yum/vars/*', '/etc/pki/rpm-gpg/*'],
    because: 'where packages come from: in the specification as sources and keys',
  },
  {
    by: ['setup'],
    paths: [
      '/etc/passwd-',
      '/etc/group-',
      '/etc/shadow-',
      '/etc/gshadow-',
      '/etc/subuid',
      '/etc/subgid',
      '/etc/subuid-',
      '/etc/subgid-',
      '/etc/.pwd.lock',
    ],
    because: 'the accounts',
  },
  {
    by: ['setup', 'systemd'],
    paths: ['/etc/hostname', '/etc/resolv.conf', '/etc/hosts'],
    because: "this machine's own names, written by whatever set it up",
  },
  { by: ['systemd', 'dbus'], paths: ['/etc/machine-id'], because: 'drawn at random' },
  { by: ['systemd', 'setup'], paths: ['/etc/locale.conf', '/etc/vconsole.conf'], because: conf, kept: true },
  { by: ['tzdata', 'systemd'], paths: ['/etc/localtime', '/etc/adjtime'], because: conf, kept: true },
  {
    by: ['systemd-udev', 'systemd'],
    paths: ['/etc/udev/hwdb.bin', '/usr/lib/udev/hwdb.bin'],
    because: 'compiled by systemd-hwdb',
  },
  {
    by: ['systemd'],
    paths: ['/etc/systemd/system/**', '/etc/systemd/user/**'],
    because: 'enabled by systemctl',
  },
  {
    by: ['ca-certificates'],
    paths: ['/etc/pki/ca-trust/extracted/**', '/etc/pki/tls/certs/*', '/etc/ssl/certs/*'],
    because: 'made by update-ca-trust',
    kept: true,
  },
  {
    by: ['crypto-policies'],
    paths: ['/etc/crypto-policies/**'],
    because: 'made by update-crypto-policies',
    kept: true,
  },
  { by: ['authselect', 'authselect-libs'], paths: ['/etc/authselect/**'], because: 'made by authselect' },
  { by: ['kmod'], paths: ['/usr/lib/modules/*/modules.*'], because: 'made by depmod' },
  {
    by: ['dracut', 'kernel-core', 'kernel'],
    paths: ['/boot/initramfs-*', '/boot/loader/**'],
    because: 'made by dracut',
  },
  { by: ['openssh-server'], paths: ['/etc/ssh/ssh_host_*'], because: 'drawn at random by ssh-keygen' },
  { by: ['info'], paths: ['/usr/share/info/dir', '/usr/share/info/dir.old'], because: 'made by install-info' },
  {
    by: ['shared-mime-info'],
    paths: [
      '/usr/share/mime/*/*.xml',
      '/usr/share/mime/XMLnamespaces',
      '/usr/share/mime/aliases',
      '/usr/share/mime/generic-icons',
      '/usr/share/mime/globs*',
      '/usr/share/mime/icons',
      '/usr/share/mime/magic',
      '/usr/share/mime/mime.cache',
      '/usr/share/mime/subclasses',
      '/usr/share/mime/treemagic',
      '/usr/share/mime/types',
      '/usr/share/mime/version',
    ],
    because: 'made by update-mime-database',
  },
  {
    by: ['desktop-file-utils'],
    paths: ['/usr/share/applications/mimeinfo.cache'],
    because: 'made by update-desktop-database',
  },
  {
    by: ['gtk-update-icon-cache', 'gtk3', 'hicolor-icon-theme'],
    paths: ['/usr/share/icons/*/icon-theme.cache', '/usr/share/icons/*/.icon-theme.cache'],
    because: 'made by gtk-update-icon-cache',
  },
  {
    by: ['glib2'],
    paths: ['/usr/share/glib-2.0/schemas/gschemas.compiled', '/usr/lib64/gio/modules/giomodule.cache'],
    because: 'made by its trigger',
  },
  {
    by: ['gdk-pixbuf2'],
    paths: ['/usr/lib64/gdk-pixbuf-2.0/*/loaders.cache'],
    because: 'made by gdk-pixbuf-query-loaders',
  },
  {
    by: ['fontconfig'],
    paths: ['/usr/share/fonts/**/.uuid', '/usr/lib/fontconfig/cache/**'],
    because: 'made by fc-cache',
  },
  { by: ['xml-common', 'libxml2'], paths: ['/etc/xml/catalog', '/etc/sgml/*.cat'], because: 'made by xmlcatalog' },
  { by: ['texlive-base'], paths: ['/usr/share/texlive/**/ls-R'], because: 'made by mktexlsr' },
  {
    by: ['java-1.8.0-openjdk-headless', 'java-11-openjdk-headless', 'java-17-openjdk-headless'],
    paths: ['/usr/lib/jvm/**/classes*.jsa'],
    because: 'dumped by java -Xshare:dump',
  },
];

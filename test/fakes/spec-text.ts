/** A spec that has everything in it but a lock; valid with `fakeDistributions`. */
export const wholeSpec = `# what the study ran on
repronim: 1
runs:
- command: [./run, two words]
  directory: /home/u/study
  inputs: [data/scan.nii.gz]
  outputs: [out/volumes.tsv, out/slices.png]
environment:
  LC_ALL: C.UTF-8
  PATH: /home/u/study/env/bin:/usr/local/bin:/usr/bin:/bin
distributions:
- type: debian
  release: bookworm
  architecture: amd64
  sources:
  - name: debian
    uri: https://deb.example.org/debian
    suites: [bookworm, bookworm-updates]
    components: [main]
    label: Debian
    signed-by: 4D64FEC119C2029067D6E791F8D2585B8783D481
  packages:
  - dcm2niix=1.0.20220720-1+deb12u1 # the converter
  - python3-nibabel=5.0.0-2
- type: venv
  base: debian
  path: /home/u/study/env
  interpreter: /usr/bin/python3
  packages:
  - nilearn==0.10.4
- type: git
  path: /home/u/study
  remote: https://git.example.org/study.git
  commit: 9d19f0c4a1e35b0d6d2f3c9f7f0b8f1a2c3d4e5f
  changes: 2
- type: prefix
  path: /opt/scaler/1.2
files:
- /home/u/.config/study.ini
`;

/** A digest for tests: of one digit. */
export function digit(of: string): string {
  return of.repeat(64);
}

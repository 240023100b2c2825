/** Files that no package's list names, and the package whose scripts or programs make them. */
export interface GeneratedRule {
  /** Packages that make it; the first that is installed counts. */
  readonly by: readonly string[];
  /** Canonical paths; `*` within one name, `**` over several. */
  readonly paths: readonly string[];
  /** How, for people. */
  readonly because: string;
  /** Made from what this machine was told: what is used of it is kept, for no other machine makes the same. */
  readonly kept?: true;
}

/** A file that is made from another one beside it, and belongs to that one's owner. */
export interface DerivedRule {
  /** What the path ends in; a cheap test before the expression. */
  readonly suffix: string;
  readonly path: RegExp;
  /** The path that it is made from, with `$1` … of the expression. */
  readonly from: string;
  readonly because: string;
}

/** Folders (`*` is one name) in which a link to a package's file is made by that package's scripts. */
export const linkFolders: readonly { readonly folder: string; readonly because: string }[] = [
  { folder: '/etc/rc0.d', because: 'enabled by update-rc.d' },
  { folder: '/etc/rc1.d', because: 'enabled by update-rc.d' },
  { folder: '/etc/rc2.d', because: 'enabled by update-rc.d' },
  { folder: '/etc/rc3.d', because: 'enabled by update-rc.d' },
  { folder: '/etc/rc4.d', because: 'enabled by update-rc.d' },
  { folder: '/etc/rc5.d', because: 'enabled by update-rc.d' },
  { folder: '/etc/rc6.d', because: 'enabled by update-rc.d' },
  { folder: '/etc/rcS.d', because: 'enabled by update-rc.d' },
  { folder: '/etc/systemd/system', because: 'enabled by systemctl' },
  { folder: '/etc/systemd/system/*', because: 'enabled by systemctl' },
  { folder: '/etc/systemd/user', because: 'enabled by systemctl' },
  { folder: '/etc/systemd/user/*', because: 'enabled by systemctl' },
  { folder: '/etc/fonts/conf.d', because: 'enabled by fontconfig-config' },
  { folder: '/etc/ssl/certs', because: 'linked by update-ca-certificates' },
  { folder: '/etc/apache2/conf-enabled', because: 'enabled by a2enconf' },
  { folder: '/etc/apache2/mods-enabled', because: 'enabled by a2enmod' },
  { folder: '/etc/apache2/sites-enabled', because: 'enabled by a2ensite' },
  { folder: '/etc/dictionaries-common', because: 'chosen by dictionaries-common' },
  { folder: '/usr/share/dict', because: 'chosen by dictionaries-common' },
];

export const derivedRules: readonly DerivedRule[] = [
  {
    suffix: '.pyc',
    path: /^(.*)\/__pycache__\/([^/]+?)\.[a-z]+-?[0-9]+(?:\.opt-[12])?\.pyc$/s,
    from: '$1/$2.py', // PEP 3147
    because: 'compiled by Python',
  },
  { suffix: '.pyc', path: /^(\/usr\/(?:lib|share)\/.*)\.pyc$/s, from: '$1.py', because: 'compiled by Python 2' },
  { suffix: '/__pycache__', path: /^(.*)\/__pycache__$/s, from: '$1', because: 'where Python compiles to' },
  {
    suffix: '.elc',
    path: /^\/usr\/share\/emacs\/site-lisp\/elpa\/(.*)\.elc$/s,
    from: '/usr/share/emacs/site-lisp/elpa-src/$1.el',
    because: 'compiled by Emacs',
  },
  { suffix: '.elc', path: /^(\/usr\/share\/emacs[^/]*\/.*)\.elc$/s, from: '$1.el', because: 'compiled by Emacs' },
  {
    suffix: '.el',
    path: /^\/usr\/share\/emacs\/site-lisp\/elpa\/(.*\.el)$/s,
    from: '/usr/share/emacs/site-lisp/elpa-src/$1',
    because: 'linked by dh-elpa',
  },
  {
    suffix: '.jsa',
    path: /^(\/usr\/lib\/jvm\/.*)\/classes[a-z_]*\.jsa$/s,
    from: '$1/libjvm.so',
    because: 'dumped by java -Xshare:dump',
  },
  {
    suffix: '',
    path: /^\/etc\/apparmor\.d\/local\/([^/]+)$/s,
    from: '/etc/apparmor.d/$1',
    because: 'made empty by dh_apparmor for local additions',
  },
];

const conf = 'written when it was configured';

export const rules: readonly GeneratedRule[] = [
  // what a bare system has
  { by: ['libc-bin'], paths: ['/etc/ld.so.cache'], because: 'made by ldconfig' },
  { by: ['libc-bin'], paths: ['/usr/lib/*/gconv/gconv-modules.cache'], because: 'made by iconvconfig' },
  { by: ['libc-bin', 'base-files'], paths: ['/etc/nsswitch.conf'], because: 'copied from its default', kept: true },
  {
    by: ['netbase', 'libc-bin'],
    paths: ['/etc/hosts', '/etc/hostname', '/etc/resolv.conf', '/etc/networks'],
    because: "this machine's own names, written by whatever set it up",
  },
  {
    by: ['base-files'],
    paths: ['/etc/dpkg/origins/default', '/etc/motd', '/usr/local/man', '/usr/share/common-licenses/*'],
    because: 'made by its postinst',
  },
  { by: ['base-files'], paths: ['/etc/profile'], because: 'copied from its default', kept: true },
  { by: ['base-files'], paths: ['/root/.bashrc', '/root/.profile'], because: 'copied from its default', kept: true },
  { by: ['base-files'], paths: ['/var/mail', '/var/spool/mail'], because: 'made by its postinst' },
  { by: ['base-passwd'], paths: ['/etc/passwd', '/etc/group'], because: 'the accounts' },
  {
    by: ['passwd', 'base-passwd'],
    paths: ['/etc/shadow', '/etc/gshadow', '/etc/subuid', '/etc/subgid', '/etc/.pwd.lock'],
    because: 'the accounts',
  },
  {
    by: ['passwd', 'base-passwd'],
    paths: ['/etc/passwd-', '/etc/group-', '/etc/shadow-', '/etc/gshadow-', '/etc/subuid-', '/etc/subgid-'],
    because: 'the accounts before the last change',
  },
  // what package managers and their helpers remember
  { by: ['dpkg'], paths: ['/var/lib/dpkg/**'], because: "dpkg's own database" },
  { by: ['apt'], paths: ['/var/lib/apt/**', '/var/cache/apt/**'], because: "apt's own lists and marks" },
  { by: ['debconf'], paths: ['/var/cache/debconf/**'], because: 'answers to debconf' },
  { by: ['libpam-runtime'], paths: ['/var/lib/pam/*'], because: 'remembered by pam-auth-update' },
  { by: ['debianutils'], paths: ['/var/lib/shells.state'], because: 'remembered by update-shells' },
  {
    by: ['init-system-helpers'],
    paths: ['/var/lib/systemd/deb-systemd-helper-*/**', '/var/lib/systemd/deb-systemd-user-helper-*/**'],
    because: 'remembered by deb-systemd-helper',
  },
  {
    by: ['python3-minimal', 'python3.11-minimal', 'python3.13-minimal', 'python3.9-minimal', 'python3.12-minimal'],
    paths: ['/var/lib/python/*'],
    because: 'remembered by py3compile',
  },
  { by: ['coreutils'], paths: ['/usr/bin/touch'], because: 'linked by its postinst' },
  { by: ['debianutils', 'passwd'], paths: ['/etc/shells'], because: 'made by add-shell', kept: true },
  { by: ['mount', 'util-linux'], paths: ['/etc/fstab', '/etc/mtab'], because: 'the mounts of this machine' },
  { by: ['util-linux-extra', 'util-linux'], paths: ['/etc/adjtime'], because: 'written by hwclock' },
  { by: ['tzdata'], paths: ['/etc/localtime', '/etc/timezone'], because: conf, kept: true },
  { by: ['readline-common'], paths: ['/etc/inputrc'], because: 'copied from its default', kept: true },
  { by: ['kmod', 'initramfs-tools-core'], paths: ['/etc/modules'], because: 'copied from its default' },
  { by: ['kmod'], paths: ['/usr/lib/modules/*/modules.*'], because: 'made by depmod' },
  { by: ['dkms'], paths: ['/usr/lib/modules/*/updates/dkms/*'], because: 'built by dkms' },
  { by: ['adduser'], paths: ['/etc/adduser.conf'], because: conf },
  {
    by: ['apt'],
    paths: [
      '/etc/apt/sources.list',
      '/etc/apt/sources.list.d/*.list',
      '/etc/apt/sources.list.d/*.sources',
      '/etc/apt/preferences',
      '/etc/apt/preferences.d/*',
      '/etc/apt/trusted.gpg',
      '/etc/apt/trusted.gpg.d/*.gpg',
      '/etc/apt/trusted.gpg.d/*.asc',
      '/etc/apt/keyrings/*.gpg',
      '/etc/apt/keyrings/*.asc',
    ],
    because: 'where packages come from: in the specification as sources, keys and pins',
  },
  { by: ['systemd', 'dbus'], paths: ['/etc/machine-id'], because: 'drawn at random' },
  {
    by: ['udev', 'systemd-hwe-hwdb', 'systemd'],
    paths: ['/usr/lib/udev/hwdb.bin', '/etc/udev/hwdb.bin'],
    because: 'compiled by systemd-hwdb',
  },
  { by: ['systemd'], paths: ['/etc/locale.conf', '/etc/vconsole.conf', '/etc/hostname'], because: conf, kept: true },
  { by: ['libpam-runtime'], paths: ['/etc/pam.d/common-*'], because: 'made by pam-auth-update' },
  { by: ['libpam-modules'], paths: ['/etc/environment'], because: 'made by its postinst', kept: true },
  { by: ['libpam-modules'], paths: ['/etc/security/opasswd'], because: 'made by its postinst' },
  { by: ['ifupdown', 'ifupdown2'], paths: ['/etc/network/interfaces'], because: conf },
  // languages, characters, fonts, pictures
  { by: ['locales', 'libc-bin'], paths: ['/etc/default/locale', '/etc/locale.gen'], because: conf, kept: true },
  { by: ['locales', 'libc-bin'], paths: ['/usr/lib/locale/locale-archive'], because: 'made by locale-gen', kept: true },
  { by: ['keyboard-configuration'], paths: ['/etc/default/keyboard'], because: conf },
  { by: ['console-setup'], paths: ['/etc/default/console-setup', '/etc/console-setup/*'], because: conf },
  {
    by: ['fontconfig'],
    paths: ['/usr/share/fonts/**/.uuid', '/usr/local/share/fonts/.uuid'],
    because: 'made by fc-cache',
  },
  {
    by: ['xfonts-utils'],
    paths: ['/usr/share/fonts/X11/*/fonts.*', '/usr/share/fonts/X11/*/encodings.dir'],
    because: 'made by update-fonts-dir',
  },
  { by: ['libpaper1', 'libpaper2', 'libpaper-utils'], paths: ['/etc/papersize'], because: conf, kept: true },
  { by: ['dictionaries-common'], paths: ['/etc/dictionaries-common/*'], because: 'made by update-default-wordlist' },
  // trust
  { by: ['ca-certificates'], paths: ['/etc/ca-certificates.conf'], because: conf },
  {
    by: ['ca-certificates'],
    paths: ['/etc/ssl/certs/ca-certificates.crt'],
    because: 'made by update-ca-certificates',
    kept: true,
  },
  { by: ['ca-certificates-java'], paths: ['/etc/ssl/certs/java/cacerts'], because: 'made by its postinst' },
  {
    by: ['ssl-cert'],
    paths: ['/etc/ssl/certs/ssl-cert-snakeoil.pem', '/etc/ssl/private/ssl-cert-snakeoil.key'],
    because: 'drawn at random by make-ssl-cert',
  },
  { by: ['openssh-server'], paths: ['/etc/ssh/ssh_host_*'], because: 'drawn at random by ssh-keygen' },
  // caches of desktops and documentation
  {
    by: ['shared-mime-info'],
    paths: [
      '/usr/share/mime/*/*.xml',
      '/usr/share/mime/XMLnamespaces',
      '/usr/share/mime/aliases',
      '/usr/share/mime/generic-icons',
      '/usr/share/mime/globs',
      '/usr/share/mime/globs2',
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
  { by: ['desktop-file-utils'], paths: ['/usr/share/applications/mimeinfo.cache'], because: 'made by its trigger' },
  {
    by: ['gtk-update-icon-cache', 'libgtk-3-bin', 'libgtk2.0-bin', 'hicolor-icon-theme'],
    paths: ['/usr/share/icons/*/icon-theme.cache', '/usr/share/icons/*/.icon-theme.cache'],
    because: 'made by gtk-update-icon-cache',
  },
  {
    by: ['libglib2.0-bin', 'libglib2.0-0t64', 'libglib2.0-0'],
    paths: ['/usr/share/glib-2.0/schemas/gschemas.compiled', '/usr/lib/*/gio/modules/giomodule.cache'],
    because: 'made by its trigger',
  },
  {
    by: ['libgdk-pixbuf-2.0-0', 'libgdk-pixbuf2.0-0'],
    paths: ['/usr/lib/*/gdk-pixbuf-2.0/*/loaders.cache'],
    because: 'made by gdk-pixbuf-query-loaders',
  },
  {
    by: ['libgtk2.0-0t64', 'libgtk2.0-0'],
    paths: ['/usr/lib/*/gtk-2.0/*/immodules.cache'],
    because: 'made by its trigger',
  },
  {
    by: ['libgtk-3-0t64', 'libgtk-3-0'],
    paths: ['/usr/lib/*/gtk-3.0/*/immodules.cache'],
    because: 'made by its trigger',
  },
  { by: ['libgtk-4-1'], paths: ['/usr/lib/*/gtk-4.0/*/*/giomodule.cache'], because: 'made by its trigger' },
  {
    by: ['install-info', 'base-files'],
    paths: ['/usr/share/info/dir', '/usr/share/info/dir.old'],
    because: 'made by update-info-dir',
  },
  {
    by: ['sgml-base'],
    paths: ['/etc/sgml/catalog', '/etc/sgml/*.cat', '/etc/sgml/*.old'],
    because: 'made by update-catalog',
  },
  {
    by: ['xml-core'],
    paths: ['/etc/xml/*.xml', '/etc/xml/catalog', '/etc/xml/*.old'],
    because: 'made by update-xmlcatalog',
  },
  // languages to program in, and their tools
  { by: ['python3', 'python3-minimal'], paths: ['/etc/python3/debian_config'], because: 'made by its postinst' },
  {
    by: ['libxml-sax-perl'],
    paths: ['/etc/perl/XML/SAX/ParserDetails.ini'],
    because: 'made by update-perl-sax-parsers',
  },
  { by: ['emacsen-common'], paths: ['/usr/share/emacs/site-lisp/debian-startup.el*'], because: 'made by its postinst' },
  {
    by: ['openjdk-17-jre-headless', 'openjdk-21-jre-headless', 'openjdk-11-jre-headless', 'default-jre-headless'],
    paths: ['/etc/.java/.systemPrefs/*'],
    because: 'made by its postinst',
  },
  { by: ['r-base-core'], paths: ['/etc/R/Renviron'], because: conf, kept: true },
  { by: ['octave', 'octave-common'], paths: ['/usr/share/octave/octave_packages'], because: 'made by pkg rebuild' },
  {
    by: ['ghc'],
    paths: ['/usr/lib/ghc*/package.conf.d/package.cache*', '/usr/lib/haskell-packages/**/package.cache'],
    because: 'made by ghc-pkg',
  },
  { by: ['tex-common'], paths: ['/etc/texmf/web2c/*', '/usr/share/texmf/ls-R'], because: 'made by update-texmf' },
  { by: ['postgresql-common'], paths: ['/etc/postgresql/**'], because: 'made by pg_createcluster' },
  { by: ['exim4-config', 'postfix'], paths: ['/etc/mailname', '/etc/aliases', '/etc/aliases.db'], because: conf },
  { by: ['popularity-contest'], paths: ['/etc/popularity-contest.conf'], because: conf },
];

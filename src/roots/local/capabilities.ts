import { UserError } from '../../model/index.ts';
import { runProcess } from '../../sessions/process.ts';

/** lgetxattr's number in the kernel's system call tables, by Node's name for the machine. */
const numbers: Readonly<Record<string, number>> = {
  x64: 192,
  arm64: 9,
  riscv64: 9,
  loong64: 9,
  arm: 230,
  ia32: 230,
  ppc64: 213,
  s390x: 228,
};

// Node can't read extended attributes, and getcap starts once a file or prints them as text. perl is Essential in
// Debian: one process asks the kernel for all of them. The variables are copies, as perl's syscall may write to them.
const program = `
$/ = "\\0";
my $number = shift @ARGV;
my $name = "security.capability";
while (my $file = <STDIN>) {
  chomp $file;
  my $value = "\\0" x 64;
  my $length = syscall($number + 0, $file, $name, $value, 64);
  print $. - 1, " ", unpack("H*", substr($value, 0, $length)), "\\n" if $length > 0;
}
`;

/**
 * The `security.capability` attributes of files, raw and in hexadecimal, by index; those that have none are left
 * out (capabilities(7)). One process for all. Throws UserError where nothing here can read them.
 */
export async function readCapabilities(files: readonly (string | Buffer)[]): Promise<ReadonlyMap<number, string>> {
  if (files.length === 0) return new Map();
  const nul = Buffer.of(0);
  const input = files.every((file) => typeof file === 'string')
    ? `${files.join('\0')}\0`
    : Buffer.concat(files.flatMap((file) => [Buffer.from(file), nul]));
  const result = await runProcess(['perl', '-e', program, String(numbers[process.arch] ?? -1)], {
    input,
    accept: 'any',
  });
  if (result.status !== 0 || numbers[process.arch] === undefined) {
    throw new UserError('file capabilities cannot be read here', {
      hint: 'install perl (perl-base is enough)',
      status: 4,
    });
  }
  const held = new Map<number, string>();
  for (const line of result.stdout.toString('latin1').split('\n')) {
    const [index, value] = line.split(' ');
    if (value !== undefined) held.set(Number(index), value);
  }
  return held;
}

import { cutAddresses, type CutOf } from '../../toolkits/trees/cut.ts';

const installers =
  /(?:^|\/)node_modules\/(?:\.package-lock\.json|\.modules\.yaml|\.yarn-integrity|\.yarn-state\.yml|\.pnpm\/lock\.yaml|\.pnpm-workspace-state(?:-v\d+)?\.json)$/;

/** What an installer writes for itself: it is wanted whatever its mode is. */
export function isInstallers(path: string): boolean {
  return installers.test(path);
}

/** Addresses of registries and repositories may have passwords in them there. */
export const npmSecrets: CutOf = (path) => (isInstallers(path) ? cutAddresses : undefined);

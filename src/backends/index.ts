import type { AnyBackend } from '../contract/index.ts';
import { apptainer } from './apptainer/index.ts';
import { chroot } from './chroot/index.ts';
import { docker } from './docker/index.ts';
import { native } from './native/index.ts';
import { podman } from './podman/index.ts';
import { schroot } from './schroot/index.ts';
import { ssh } from './ssh/index.ts';

/** Every backend; the first one is the default. */
export const backends: readonly AnyBackend[] = [chroot, docker, podman, apptainer, schroot, ssh, native];

import { engineParams } from '../../toolkits/engine/params.ts';

/** What `--set` takes for podman; `default` is a bridge for root, slirp4netns or pasta for everybody else. */
export const podmanParams = engineParams('default');

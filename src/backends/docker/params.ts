import { engineParams } from '../../toolkits/engine/params.ts';

/** What `--set` takes for docker. */
export const dockerParams = engineParams('bridge');

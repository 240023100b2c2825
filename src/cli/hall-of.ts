import { openHall } from '../hall.ts';
import type { Hall } from '../flows/house.ts';
import type { Terminal } from './terminal.ts';

/** What is enough to use an instance, for whoever sits at this terminal. */
export function hallOf(terminal: Terminal): Hall {
  return openHall({ onProgress: terminal.onProgress, signal: terminal.signal });
}

import type { OnProgress } from '../model/index.ts';
import type { AnyBackend, AnyDistribution, Context, Store, TraceContext, Tracer } from '../contract/index.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { Places } from '../inventory/places.ts';

/** What is enough to use an instance that is there. */
export interface Hall {
  readonly backends: readonly AnyBackend[];
  readonly places: Places;
  readonly store: Store;
  readonly inventory: Inventory;
  readonly settings: Context['settings'];
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal;
}

/** Everything that a flow works with: the plug-ins, this user's places, and whom to report to. */
export interface House extends Hall {
  readonly distributions: readonly AnyDistribution[];
  readonly tracer: Tracer;
}

export function contextOf({ store, onProgress, signal, settings }: Hall): Context {
  return { store, onProgress, signal, settings };
}

export function traceContextOf(hall: Hall, options: Pick<TraceContext, 'scope' | 'keep' | 'whole'>): TraceContext {
  return { ...contextOf(hall), ...options };
}

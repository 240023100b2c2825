export * from './backend.ts';
export * from './context.ts';
export * from './distribution.ts';
export * from './root.ts';
export * from './schema.ts';
export * from './session.ts';
export * from './store.ts';
export * from './tracer.ts';

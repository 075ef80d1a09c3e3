/**
 * Node's HTTP. An `import` of it would read all that it exports, `WebSocket` too, and with that load undici, a client
 * that nothing here uses: some MiB of a process at rest. A rule of dependency-cruiser holds this.
 */
export const http = process.getBuiltinModule('node:http');

import type { Nats } from './connection.js';

/** Says so when the server goes away, and when it is back. */
export function noteAbsences({ connection, where }: Nats, onNote: (line: string) => void): void {
  void (async () => {
    let isAway = false;
    for await (const { type } of connection.status()) {
      if (type === 'disconnect' && !isAway) {
        isAway = true;
        onNote(`the NATS server at ${where} is away; waiting for it`);
      } else if (type === 'reconnect') {
        isAway = false;
        onNote(`the NATS server at ${where} is back`);
      }
    }
  })();
}

// A proxy between a client and a server that breaks connections.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

const FRAME_HEADER = 9;
const HEADERS_FRAME = 1;

/** What happens to a connection. */
interface Plan {
  /** Breaks after so many bytes to the server. */
  up?: number;
  /** Breaks after so many bytes to the client. */
  down?: number;
}

export class Proxy {
  readonly #server: Server;
  readonly #plans: Plan[];
  readonly #sockets = new Set<Socket>();
  #losesAnswer = false;
  /** How often a connection was broken. */
  cuts = 0;

  private constructor(target: number, plans: Plan[]) {
    this.#plans = [...plans];
    this.#server = createServer((client) => {
      this.#connect(client, connect(target, "127.0.0.1"), this.#plans.shift() ?? {});
    });
  }

  /** The plans are those of the first connections. Later ones are not broken. */
  static async start(target: { port: number }, plans: Plan[] = []): Promise<Proxy> {
    const proxy = new Proxy(target.port, plans);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get address(): string {
    return `localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks the connection instead of passing on the headers of the next answer. */
  loseAnswer(): void {
    this.#losesAnswer = true;
  }

  /** Breaks all connections. */
  cut(): void {
    this.#sockets.forEach((socket) => socket.resetAndDestroy());
  }

  stop(): void {
    this.cut();
    this.#server.close();
  }

  #connect(client: Socket, server: Socket, { up = Infinity, down = Infinity }: Plan): void {
    let [upLeft, downLeft] = [up, down];
    const isHeaders = frameReader();
    const cut = (): void => {
      this.cuts++;
      client.resetAndDestroy();
      server.resetAndDestroy();
    };
    client.on("data", (bytes) => {
      upLeft -= bytes.length;
      if (upLeft < 0) {
        cut();
      } else if (!server.write(bytes)) {
        client.pause();
        server.once("drain", () => client.resume());
      }
    });
    server.on("data", (bytes) => {
      downLeft -= bytes.length;
      const hasHeaders = isHeaders(bytes);
      if (downLeft < 0 || (hasHeaders && this.#losesAnswer)) {
        this.#losesAnswer = false;
        cut();
      } else if (!client.write(bytes)) {
        server.pause();
        client.once("drain", () => server.resume());
      }
    });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("end", () => other.end());
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }
}

/** Says whether a frame of headers begins in the next bytes of a connection. */
function frameReader(): (bytes: Buffer) => boolean {
  let rest = Buffer.alloc(0);
  let skip = 0;
  return (bytes) => {
    let found = false;
    rest = Buffer.concat([rest, bytes]);
    for (;;) {
      const skipped = Math.min(skip, rest.length);
      rest = rest.subarray(skipped);
      skip -= skipped;
      if (rest.length < FRAME_HEADER) {
        return found;
      }
      found ||= rest[3] === HEADERS_FRAME;
      skip = FRAME_HEADER + rest.readUIntBE(0, 3);
    }
  };
}

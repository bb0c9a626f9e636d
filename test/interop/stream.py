"""A second client of the streams: reads one with nats-py and pyarrow alone, as docs/streams-over-nats.md says, and prints it as JSON."""
import asyncio
import hashlib
import json
import sys

import nats
import pyarrow as pa


async def main(url, stream):
    client = await nats.connect(url)
    jetstream = client.jetstream()
    consumer = await jetstream.pull_subscribe(f"rxnas.stream.{stream}", stream=f"RXNAS_STREAM_{stream}")
    batches, parts, end = [], [], None
    while end is None:
        for message in await consumer.fetch(8, timeout=5):
            headers = message.headers
            await message.ack()
            if headers["Rxnas-Kind"] == "end":
                end = int(headers["Rxnas-Index"])
                break
            assert headers["Rxnas-Format"] == "1"
            assert hashlib.sha256(message.data).hexdigest() == headers["Rxnas-Digest"]
            part, of = map(int, headers["Rxnas-Part"].split("/"))
            parts.append(pa.ipc.open_stream(message.data).read_all())
            if part == of:
                table = pa.concat_tables(parts)
                parts = []
                batches.append(
                    {
                        "index": int(headers["Rxnas-Index"]),
                        "event": headers.get("Rxnas-Event"),
                        "parts": of,
                        "schema": [[field.name, str(field.type)] for field in table.schema],
                        "rows": table.num_rows,
                        "sum": sum(sum(column) for row in table.to_pylist() for column in
                                   ([v] if isinstance(v, int) else v for v in row.values())),
                    }
                )
    await client.close()
    print(json.dumps({"batches": batches, "end": end}))


asyncio.run(main(*sys.argv[1:]))

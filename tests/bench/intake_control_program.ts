import { readFileSync } from "node:fs";
import { connect } from "node:http2";
import { DatabaseSync } from "node:sqlite";

/** What the program is told in the file that its argument names. */
export interface IntakeControlConfiguration {
  /** Origin of the cloud. */
  readonly origin: string;
  readonly ca: string;
  /** The file that the objects are kept in. */
  readonly database: string;
  /** Events after which it says so. */
  readonly count: number;
}

/*
 * The control of what a reflector takes: the least that somebody would write for it. One watch over `node:http2`, lines,
 * JSON.parse for the name, and one row for each event in an SQLite file (WAL, NORMAL), 1,000 in a transaction, unsealed.
 */
const rowsPerCommit = 1_000;
const { origin, ca, database: path, count } = JSON.parse(
  readFileSync(process.argv[2] ?? "", "utf8"),
) as IntakeControlConfiguration; // the bench wrote it
const database = new DatabaseSync(path);
database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
database.exec("CREATE TABLE IF NOT EXISTS rows (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) STRICT");
const put = database.prepare("INSERT OR REPLACE INTO rows (key, value) VALUES (?, ?)");
const stream = connect(origin, { ca }).request({ ":path": "/api/v1/pods?watch=true&resourceVersion=10000000" });
let rest = Buffer.alloc(0);
let pending: Buffer[] = [];
let taken = 0;
stream.on("response", () => console.log("watches"));
stream.on("data", (chunk: Buffer) => {
  let bytes = Buffer.concat([rest, chunk]);
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10)) {
    pending.push(bytes.subarray(0, end));
    bytes = bytes.subarray(end + 1);
    taken++;
    if (pending.length >= rowsPerCommit || taken === count) commit();
  }
  rest = Buffer.from(bytes);
  if (taken < count) return;
  taken -= count;
  console.log("durable");
});

function commit(): void {
  database.exec("BEGIN");
  for (const line of pending) {
    // The cloud of the bench sends nothing else.
    const { object } = JSON.parse(line.toString()) as {
      readonly object: { readonly metadata: { readonly name: string } };
    };
    put.run(object.metadata.name, line);
  }
  database.exec("COMMIT");
  pending = [];
}

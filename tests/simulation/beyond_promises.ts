/**
 * Rules whose violations nobody can prevent: `epoch` is of clients that resume at a position of a history that a restored
 * etcd has undone and passed since. The API server itself does not notice them (docs/consistency.md, "Where it ends").
 */
export const beyondPromises: readonly string[] = ["epoch"];

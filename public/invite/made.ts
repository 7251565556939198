// The links of invites that this page made, until it is closed: the server names an invite only once.

/** By the invites' ids. */
export const linksMade = new Map<string, string>();

// Package wire is what peers say to each other: frames on a TCP connection, and announcements by UDP.
//
// It is pure: it turns bytes into values and back, and knows no sockets, clock, goroutines or logger.
// Everything but the body of a message is printable ASCII, so that a person can read it in the output
// of tcpdump -A.
//
// # Frames
//
// A frame is one line: words of printable ASCII, with one space between, ended by \n. A MSG's line is
// followed by its body, of the length that the line gives, and one \n. The body may hold any bytes.
//
//	HELLO   VERSION SELF UPTIME PURPOSE CONTEXT
//	WELCOME
//	REFER   REASON {CANDIDATE}
//	CLOSE   REASON
//	PING    NONCE SLOTS
//	PONG    NONCE
//	ROOT    ID SEQ
//	SHUFFLE TTL {CANDIDATE}
//	SHUFFLEREPLY {CANDIDATE}
//	MSG     AGE HOPS SPAN ORIGIN SEQ LOW NAME CONTEXT LENGTH \n BODY
//	IHAVE   {MARK}
//	GRAFT   UPTIME {RANGE}
//	PRUNE
//	HAVE    MORE {MARK}
//	WANT    UPTIME {RANGE}
//	GONE    WHY RANGE
//
// An announcement is one such line without the \n, of at most 512 bytes:
//
//	HEARSAY VERSION SELF STATE CONTEXT
//
// The words, where {X} is a list of none or more, up to 6 candidates or 10 marks or ranges:
//
//	SELF       ID NAME PORT SLOTS ROOT
//	SLOTS      OUT/LINKS IN/SERVE, each 0 to 255: links open and wanted, taken and served
//	ROOT       ID SEQ of its newest beacon, or - 0 while the sender knows none
//	CANDIDATE  ID NAME ADDRESS FREE: a peer to dial, and its free slots, 0 to 255
//	ADDRESS    ip:port or [ip]:port, no zone, not unspecified, not multicast, port from 1
//	MARK       ORIGIN.SEQ: all messages up to this one
//	RANGE      ORIGIN.FIRST-LAST: these messages, both ends included, from 1
//	ID         32 digits of lower-case hex
//	ORIGIN     ID.EPOCH, EPOCH being 1 to 16 digits of lower-case hex
//	SPAN       16 digits of lower-case hex, or - for none
//	CONTEXT    a traceparent of 55 characters (version 00, flags 00 or 01), or - for none
//	NAME       1 to 63 characters, and not - alone
//	PORT       49152 to 65535
//	VERSION    0 to 65535
//	UPTIME     milliseconds, 0 to 999999999999; so is AGE
//	SEQ        0 to 2^63-1; in a MSG from 1, and LOW, the lowest that its origin kept, from 1 to SEQ
//	NONCE      0 to 2^64-1
//	HOPS       1 to 9999
//	TTL        0 to 6
//	LENGTH     0 to 65536
//	PURPOSE    link, urgent, bridge, probe or verify
//	REASON     a word of Reasons
//	STATE      seeking, leaving, or - for neither
//	MORE       more or last: whether another HAVE of the same vector follows
//	WHY        old or lost: older than the asker, or no longer kept
//
// Numbers are decimal, without sign or leading zeros. So there is exactly one way to write a value,
// and what is accepted is written again byte for byte as it came.
//
// A line is at most 1024 bytes, its \n included. VERSION stands where every version will look for it:
// a frame or announcement of another one ends with the reason version, and not with complaints of
// what this version cannot know.
//
// # A session
//
// The dialler (>) speaks first. The acceptor (<) answers its own HELLO, with the purpose repeated, and
// then WELCOME, REFER or CLOSE; after the latter two the connection ends. Here peer-1 gives peer-2 a
// link, they compare what they have, and talk. The message of peer-2 is traced, so it carries its
// publisher's context and this hop's span; that of peer-1 is not.
//
//	> HELLO 1 c4f5a58656eef5109dcec3ad077dec6c peer-2 49153 0/3 0/6 - 0 812 urgent 00-c8d04605312f8088cbedc0dcb63ac19a-3bf98798cae97950-01
//	< HELLO 1 0b7c9d2e51f04a68b3c7d2e9f0a1b2c3 peer-1 49152 2/3 1/6 0b7c9d2e51f04a68b3c7d2e9f0a1b2c3 17 35410 urgent 00-c8d04605312f8088cbedc0dcb63ac19a-6e1d0f2a9b8c7d55-01
//	< WELCOME
//	> HAVE last
//	< HAVE last 0b7c9d2e51f04a68b3c7d2e9f0a1b2c3.18e1f3a9c55.4
//	> WANT 830 0b7c9d2e51f04a68b3c7d2e9f0a1b2c3.18e1f3a9c55.1-4
//	< GONE old 0b7c9d2e51f04a68b3c7d2e9f0a1b2c3.18e1f3a9c55.1-3
//	< MSG 310 1 - 0b7c9d2e51f04a68b3c7d2e9f0a1b2c3.18e1f3a9c55 4 1 peer-1 - 13
//	< good evening!
//	> MSG 0 1 7a11c0ffee5eed01 c4f5a58656eef5109dcec3ad077dec6c.18e1f3aad02 1 1 peer-2 00-5d4c3b2a190817263544536271809fae-1122334455667788-01 2
//	> hi
//	< PRUNE
//	> IHAVE c4f5a58656eef5109dcec3ad077dec6c.18e1f3aad02.9
//	< GRAFT 36977 c4f5a58656eef5109dcec3ad077dec6c.18e1f3aad02.8-9
//	< PING 41 3/3 2/6
//	> PONG 41
//	< ROOT 0b7c9d2e51f04a68b3c7d2e9f0a1b2c3 18
//	> SHUFFLE 3 9f2c41d7a6b05e83c1f7029d4e8ab365 peer-3 172.18.0.5:49152 4
//	< SHUFFLEREPLY 51aa0c27be934d16807fe3b2c5d9a048 peer-4 [2001:db8::7]:49152 1
//	< REFER room 9f2c41d7a6b05e83c1f7029d4e8ab365 peer-3 172.18.0.5:49152 4
//
// And what had told peer-2 of peer-1, a second before:
//
//	HEARSAY 1 0b7c9d2e51f04a68b3c7d2e9f0a1b2c3 peer-1 49152 2/3 1/6 0b7c9d2e51f04a68b3c7d2e9f0a1b2c3 16 - 00-9c8b7a695847362514031221304f5e6d-8877665544332211-00
package wire

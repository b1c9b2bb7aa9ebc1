/*
 * The kinds of records, once for what writes them and what reads them: name, MESSAGE_ID (random, fixed for
 * ever) and syslog PRIORITY. Each stands in boxdo-audit(7) and in etc/boxdo.catalog; a lint compares.
 */
#ifndef BOXDO_EVENTS_H
#define BOXDO_EVENTS_H

#define AUDIT_EVENTS(X)                                                                            \
	X(AUDIT_LAUNCH, "launch", "cb6401be1ff74e94b01396704cfbb9bf", 6)                           \
	X(AUDIT_REFUSE, "refuse", "0159e7bab49e4b418ea3081115403feb", 4)                           \
	X(AUDIT_END, "end", "d19f07aa1db04826bc4a54e94a61870a", 6)                                 \
	X(AUDIT_AUTH, "auth", "c4c6ddc6cd11485fbdcd78c1ea69239f", 5)                               \
	X(AUDIT_POLICY, "policy", "b8bb48c3c6364706ab7be90744ba73fe", 5)

enum audit_event {
#define X(id, name, message_id, priority) id,
	AUDIT_EVENTS(X)
#undef X
	    AUDIT_EVENT_COUNT
};

#endif

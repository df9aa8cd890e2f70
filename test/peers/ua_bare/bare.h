/* What the files of ua_bare_client share; its options are told at the top of ua_bare_client.c. */
#ifndef PEERS_UA_BARE_H
#define PEERS_UA_BARE_H

#include <open62541/client.h>

struct options {
	const char	*url, *nodes, *root, *policy, *cert, *key, *uri, *user;
	int		 items, per_call, per_subscription, queue, browse;
	double		 sampling_ms, publishing_ms, warm_up_s, seconds;
};

extern struct options opt;

double		 now_s(void);		/* monotonic */
void		 must(UA_StatusCode, const char *what);	/* ends the process with a text when it is bad */
UA_Client	*connected(void);	/* as the options say: given, with UA_Client_delete */
void		 browse(UA_Client *, UA_UInt16 ns);	/* walks and prints */

#endif

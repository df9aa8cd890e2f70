/* Keys of a source of driver link. */
#include "driver/link/link_int.h"

static const char *const roles[] = { "connect", "listen", NULL };

const struct key link_keys[] = {
	[LINK_KEY_ROLE] = { "role", KEY_ENUM, .choices = roles, .def = "listen",
	    .help = "Who opens the session: listen (at the endpoint; the node below connects) or connect (to the endpoint, at which the node below listens). "
	    "The side that is trusted more should open it." },
	[LINK_KEY_PEER] = { "peer", KEY_TEXT, .min = 1, .max = LINK_NAME_MAX, .required = true,
	    .help = "Name of the other node; it must stand in the certificate that this node shows, as a DNS name." },
	[LINK_KEY_NAME] = { "name", KEY_TEXT, .min = 1, .max = LINK_NAME_MAX,
	    .help = "Name of this node, for its certificate when it is made. Not given: the name of the machine." },
	[LINK_KEY_TIMEOUT] = { "timeout", KEY_DURATION, .min = 1e9, .max = 300e9, .def = "10 s",
	    .help = "A connection over which nothing is heard for so long is given up." },
	[LINK_KEY_PKI] = { "pki", KEY_PATH, .help = "State folder of the certificate store. Not given: this node's own." },
	[LINK_KEYS] = { 0 },
};

bool
link_role_connects(const struct keyval *keys)
{
	return keys[LINK_KEY_ROLE].i == 0;
}

/*
 * Who opens a session, where a driver or a sink can do either (role_key in catalog.h): the side that is trusted more,
 * unless the site file says otherwise. That side is the conduit's initiator.
 */
#ifndef SITE_ROLES_H
#define SITE_ROLES_H

#include "site/loader.h"

enum role_choice { ROLE_CONNECT, ROLE_LISTEN };	/* the choices of a role_key, in this order */

/* After flows: fill in the roles that the file leaves open, and judge those that it names. */
void roles_settle(struct loader *l);
/* Do far ends connect to it? */
bool source_listens(const struct driver_info *d, const struct source *s);
bool sink_listens(const struct sink_info *k, const struct sink *s);

#endif

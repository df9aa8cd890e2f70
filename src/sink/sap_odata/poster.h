/*
 * The poster of the outbox for OData: posts events, alone or several in one $batch (a change set each, so that each is a unit of its own), asks
 * whether one is there already, and looks whether what should follow from it has followed. Every call of the outbox becomes an *op*, which
 * lives from the call to its last verdict.
 *
 *	post    message -> [GET for its ETag] -> POST -> verdict
 *	lookup  message -> GET of its lookup -> verdict
 *	follow  message -> GET of its lookup -> GET of what follows -> verdict
 */
#ifndef SAP_ODATA_POSTER_H
#define SAP_ODATA_POSTER_H

#include "outbox/outbox.h"
#include "sink/sap_odata/classify.h"
#include "sink/sap_odata/keys.h"
#include "sink/sap_odata/metas.h"

/* What became of the newest calls, for the state that people see. */
struct poster_news {
	uint64_t	posts, messages, bytes;		/* calls that post, events in them, bytes of their bodies */
	bool		up;				/* the newest call was answered by the service */
	char		trouble[256];			/* what keeps everything waiting; "" when nothing does */
};

/* Whether what a mapping posts can be found again. */
struct poster_sight {
	const struct mapping	*mapping;
	bool			 blind;		/* a posting that SAP had confirmed was not found */
};

struct poster {
	const struct sap_cfg		*cfg;
	const struct mapping_set	*set;
	struct message_env		 env;
	struct metas			*metas;
	struct far			*far;
	struct outbox			*outbox;	/* set after outbox_open() */
	struct poster_news		 news;
	struct op			*ops;		/* under way */
	struct mono			 no_batch_until;	/* a $batch was refused as such */
	uint64_t			 nbatches;
	struct poster_sight		 sights[SAP_POSTS_MAX];	/* mappings of which one was looked for since the start */
	size_t				 nsights;
};

/* The calls for struct outbox_opts; arg is the poster. */
struct outbox_poster poster_calls(struct poster *p);
/* A message as text for people. */
void poster_print(const char *base, const struct mapping *map, const struct message *m, struct buf *out);
/* After far_free(), which has ended all calls: none is left. */
void poster_fini(struct poster *p);

#endif

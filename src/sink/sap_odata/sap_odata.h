/* The loop's half of an sap-odata sink: sap_odata.c is the contract with office, sap_values.c passes on what was read from SAP. */
#ifndef SAP_ODATA_H
#define SAP_ODATA_H

#include "base/log.h"
#include "sink/sap_odata/worker.h"

struct sap_sink {
	struct sap_cfg		 cfg;
	struct mapping_set	*set;
	const struct plan	*plan;
	struct sink_host	*host;
	const char		*name;
	struct worker		 w;
	uv_async_t		 async;
	uv_timer_t		 timer;		/* of a write that is tried again */
	struct sap_job		*jobs;		/* all that the worker has */
	size_t			 njobs, bytes, nasks;
	bool			 want_ready, started, stopping;
	struct sap_write	*write;		/* the one that gate has */
	uint64_t		 refused_row;	/* newest row of which gate refused something; 0: none */
	bool			 write_asked;
	struct log_limit	 refusals;
	uint64_t		 told_messages, told_bytes;
	int			 handles;
	void			(*stopped)(void *arg);
	void			*stopped_arg;
};

/* Pass on the next value that the worker has read, as a request; one after the other. Call when there may be one. */
void sap_next_value(struct sap_sink *k);

/* preview.c: the exact messages that events become, as the worker makes them, by the copy of the metadata that it keeps below dir (NULL: none). */
struct sap_dry {
	const struct sap_cfg		*cfg;
	const struct mapping_set	*set;
	const struct plan		*plan;
	const char			*dir;
};
void sap_dry_run(const struct sap_dry *d, const struct value *v, size_t n, struct buf *out);
/* struct sink_type.dry_run. */
int sap_dry(const struct sink *cfg, const struct plan *plan, const char *dir, const struct value *v, size_t n, struct buf *out);

/* struct sink_type.verify, in verify.c. */
void sap_verify(const struct sink *cfg, const struct plan *plan, const char *dir, bool online, struct findings *f);

#endif

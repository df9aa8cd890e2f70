/* The keys of an sap-odata sink, read into a struct. */
#ifndef SAP_ODATA_KEYS_H
#define SAP_ODATA_KEYS_H

#include "outbox/outbox.h"
#include "site/catalog.h"
#include "sink/sap_odata/far.h"
#include "sink/sap_odata/map.h"

#define SAP_POSTS_MAX		200u
#define SAP_SETTINGS_MAX	200u
#define SAP_READS_MAX		50u
#define SAP_RULES_MAX		200u
#define SAP_WINDOWS_MAX		50u

struct sap_post {		/* "EVENT PATTERN -> MAPPING" */
	const char	*pattern, *mapping;
};

struct sap_read {		/* "MAPPING [NAME=VALUE ...] -> EQUIPMENT" */
	const char			*mapping, *equipment;
	struct message_setting		*where;		/* of this reading alone; they go before the sink's. "": blank */
	size_t				 nwhere;
};

/* What the keys say; texts are borrowed from the sink's keys, or stand in the arena. */
struct sap_cfg {
	struct arena		 arena;
	struct far_opts		 far;
	const char		*mappings;		/* folder, NULL: none */
	bool			 tls, repeatability;
	struct sap_post		*posts;		size_t nposts;
	struct sap_read		*reads;		size_t nreads;
	struct message_setting	*settings;	size_t nsettings;
	struct outbox_rule	*rules;		size_t nrules;
	struct outbox_window	*windows;	size_t nwindows;
	unsigned		 connections, batch;
	double			 rate;
	bool			 pass;
	int64_t			 settle_ns, keep_ns, follow_ns, poll_ns, metadata_ns;
	uint64_t		 keep_max;
};

extern const struct key sap_keys[];
/*
 * Read and judge; 0 with *cfg given (sap_cfg_fini, also on failure), or negative with cause and remedy in why and the key it concerns in *key. The
 * mappings that `post` and `read` name are looked up by sap_cfg_names().
 */
int sap_cfg_read(const struct sink *s, struct sap_cfg *cfg, char *why, size_t size, size_t *key);
int sap_cfg_names(const struct sap_cfg *cfg, const struct mapping_set *set, char *why, size_t size, size_t *key);
void sap_cfg_fini(struct sap_cfg *cfg);
/* struct sink_info.check: all of the above. Reads the folder of mappings. */
int sap_check(const struct sink *s, char *why, size_t size, size_t *key);

/* "https://host:port", the same for each way to write the same server: events are looked up by it that were posted long ago. In the arena. */
const char *sap_base(struct arena *a, bool tls, const char *server);

/* The mapping for an event by its path and type: the first row that fits and takes events of this type. NULL: none, with why. */
const struct mapping *sap_mapping_of(const struct sap_cfg *cfg, const struct mapping_set *set, const char *event, const char *type, char *why,
    size_t size);

/* The mappings in use, each once; room for SAP_MAPPINGS_USED_MAX. Returns how many. */
#define SAP_MAPPINGS_USED_MAX	(SAP_POSTS_MAX + SAP_READS_MAX)
size_t sap_mappings_used(const struct sap_cfg *cfg, const struct mapping_set *set, const struct mapping **v);

#endif

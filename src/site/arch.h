/*
 * What the site file says of the plant beyond what runs: owners, security levels, nodes, systems, physical assets, the
 * attributes of flows, exceptions. The rules (arch_rules.c) judge it, `penstock doc` writes it down, `penstock
 * firewall` and `advise` work from it. No process gets it: it stands in the plan of whoever loads the site file, and in
 * no slice.
 *
 * Terms: IEC 62443-1-1 and 3-2 for zones, conduits and levels; IEC 62264-1 for equipment.
 */
#ifndef SITE_ARCH_H
#define SITE_ARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "site/plan.h"

/* The seven foundational requirements of IEC 62443: a security level is a number for each. */
enum fr { FR_IAC, FR_UC, FR_SI, FR_DC, FR_RDF, FR_TRE, FR_RA, FRS };
extern const char *const fr_names[FRS];		/* "IAC" */
struct sl { uint8_t of[FRS]; bool set; };

enum zone_kind {
	ZONE_OF_LEVEL,		/* nothing special: what its level says */
	ZONE_SAFETY,		/* safety instrumented system (ZCR 3.3) */
	ZONE_WIRELESS, ZONE_TEMPORARY, ZONE_EXTERNAL,	/* ZCR 3.4 to 3.6 */
	ZONE_KINDS
};
extern const char *const zone_kinds[];		/* NULL-ended, as written */

struct arch_zone {
	struct sl		 sl_t, sl_c;
	enum zone_kind		 kind;
	const char		*owner, *help;
	const char *const	*networks;	/* CIDR */
	uint32_t		 nnetworks;
};

struct arch_conduit {
	struct sl	 sl_t;
	const char	*owner, *help;
	bool		 one_way;	/* nothing may come back, not even an acknowledgement */
};

/* How a device is attached, as far as it asks for a zone of its own; the same order as zone_kinds from wireless on. */
enum attachment { ATTACHED_UNSAID, ATTACHED_FIXED, ATTACHED_WIRELESS, ATTACHED_TEMPORARY, ATTACHED_EXTERNAL };
extern const char *const attachments[];		/* NULL-ended, as written: from fixed on */

/* What a node needs to run that is no flow of tags: infrastructure, which drifts when nobody writes it down. */
enum service_kind {
	SERVICE_TIME, SERVICE_NAMES, SERVICE_DIRECTORY, SERVICE_PATCHES, SERVICE_MALWARE, SERVICE_BACKUP,
	SERVICE_LOGS, SERVICE_UPKEEP, SERVICE_KINDS
};
extern const char *const service_kinds[], *const service_transports[], *const service_sessions[];	/* NULL-ended, as written */

struct service {
	const char	*name, *owner, *help, *endpoint;	/* endpoint: as written */
	enum service_kind kind;
	uint32_t	 zone;			/* that the server stands in */
	int		 transport;		/* service_transports */
	bool		 server_opens;		/* the session */
	const uint32_t	*nodes;			/* whom it serves, by number */
	uint32_t	 nnodes;
	const uint32_t	*shared;		/* zones that know the same accounts */
	uint32_t	 nshared;
	struct place	 place;
};

struct interface { const char *name, *zone, *address; };	/* zone: a name that exists */
struct gateway_node {
	const char		*name, *zone, *owner, *help;
	struct interface	*interfaces;
	uint32_t		 ninterfaces;
	uint64_t		 without;	/* services that it does without, on purpose: bits by enum service_kind */
	struct place		 place;
};

/* Places in the role-based hierarchy, IEC 62264-1, 5.3; modules as in ISA-88. */
enum equipment_kind {
	EQUIPMENT_UNSAID, EQUIPMENT_AREA,
	EQUIPMENT_LINE, EQUIPMENT_PROCESS_CELL, EQUIPMENT_PRODUCTION_UNIT, EQUIPMENT_STORAGE_ZONE, EQUIPMENT_WORK_CENTER,
	EQUIPMENT_WORK_CELL, EQUIPMENT_UNIT, EQUIPMENT_STORAGE_UNIT, EQUIPMENT_WORK_UNIT,
	EQUIPMENT_EQUIPMENT_MODULE, EQUIPMENT_CONTROL_MODULE,
	EQUIPMENT_KINDS
};
extern const char *const equipment_kinds[];	/* NULL-ended, as written; the first is "" and never written */
/* Depth of a kind below the site: 1 area, 2 work centre, 3 work unit, 4 and 5 modules. */
int equipment_depth(enum equipment_kind k);

struct arch_equipment {
	const char		*path, *help;
	enum equipment_kind	 kind;		/* as said; UNSAID: by its depth */
	struct place		 place;
};

struct asset_role { const char *equipment; int64_t from_s, to_s; };	/* days as s since 1970; to_s INT64_MAX: until further notice */
struct asset {
	const char		*name, *maker, *model, *serial, *help;
	struct asset_role	*roles;
	uint32_t		 nroles;
	struct place		 place;
};

struct arch_flow {
	const char	*use_case, *info_object;
	int		 category;		/* arch_categories, -1: not said */
	int		 exchange;		/* arch_exchanges */
	int		 criticality;		/* 1..4, 0: not said */
	int		 confidentiality;	/* arch_confidentialities, -1: not said */
	int		 status;		/* arch_statuses */
	int64_t		 outage_ns;		/* longest outage that it must bridge; 0: not said */
	bool		 personal_data, bulk;
	const char	*export_control;
};
extern const char *const arch_categories[], *const arch_exchanges[], *const arch_confidentialities[], *const arch_statuses[];

struct exception {
	const char	*name, *rule, *where, *reason, *owner;
	int64_t		 expires_s;	/* first second in which it is over */
	struct place	 place;
	bool		 used;		/* it silenced a finding */
};

/* Which SAP stands above, for `penstock advise`. */
enum sap_release { SAP_NONE, SAP_ECC6, SAP_S4, SAP_S4_CLOUD };
extern const char *const sap_releases[];

enum arch_mode { ARCH_ADVISE, ARCH_ENFORCE };

struct arch {
	enum arch_mode		 mode;
	enum sap_release	 sap;
	int64_t			 now_s;			/* when the file was judged */
	struct arch_zone	*zones;			/* one a zone of the plan */
	struct arch_conduit	*conduits;		/* one a conduit */
	struct arch_flow	*flows;			/* one a flow */
	uint8_t			*attached;		/* enum attachment, one a source */
	struct arch_equipment	*equipment;	uint32_t nequipment;
	struct gateway_node	*nodes;		uint32_t nnodes;
	struct service		*services;	uint32_t nservices;
	struct asset		*assets;	uint32_t nassets;
	struct exception	*exceptions;	uint32_t nexceptions;
};

/* Room for everything, and the attributes of rows that are read elsewhere; the loader calls these. */
struct loader;
struct node;
void arch_init(struct loader *l);
void arch_zone(struct loader *l, uint32_t zone, const struct keyval *v, struct place at);
void arch_conduit(struct loader *l, uint32_t conduit, const struct keyval *v, struct place at);
void arch_equipment(struct loader *l, const char *path, const struct keyval *v, struct place at);
void arch_flow(struct loader *l, uint32_t flow, const struct keyval *v);
/* The sections nodes, services (arch_services.c), assets and exceptions. */
void load_arch(struct loader *l);
void arch_service(struct loader *l, const struct node *n, const char *what);
/* Judge the whole: the rules of IEC 62443-3-2 and IEC 62264-1 (doc/architecture.md lists them). */
void arch_rules(struct loader *l);

#endif

/*
 * What mechanism fits a flow: a table of rules, read from the top, the first that fits is the advice. Every rule says why, with the figures of the flow, and
 * whether Penstock has the mechanism today.
 */
#ifndef DOC_ADVICE_H
#define DOC_ADVICE_H

#include "doc/document.h"

/* What is known of a flow on its way to one sink. */
struct flow_facts {
	const struct flow	*flow;
	const struct arch_flow	*said;
	const struct sink	*sink;
	double			 values_a_day;		/* at most, before reduction by change */
	double			 latency_s;		/* longest that a value may wait by the plan; 0: not said */
	bool			 one_way;		/* some conduit of it lets nothing back */
	bool			 back;			/* requests come back through the sink */
};

struct advice_rule {
	const char	*id;
	const char	*mechanism;
	const char	*fits;		/* kinds of sinks that are this mechanism, "mqtt sparkplug"; "" while there is none in Penstock */
	uint32_t	 sap;		/* set of enum sap_release; 0: any, also none */
	uint32_t	 exchanges;	/* set of arch_exchanges by index; 0: any, also not said */
	uint32_t	 categories;	/* set of arch_categories; 0: any, also not said */
	double		 day_min, day_max;	/* values a day; 0 and 0: any */
	int		 bulk;		/* 1: only bulk, -1: only what is not, 0: any */
	bool		 one_way;	/* only if a conduit is */
	bool		 back;		/* only if requests come back */
	const char	*why;
};

extern const struct advice_rule advice_rules[];	/* NULL mechanism ends; the last rule fits everything */

void flow_facts(const struct plan *p, const struct flow *f, uint32_t sink, struct flow_facts *out);
const struct advice_rule *advice_for(const struct plan *p, const struct flow_facts *f);
/* Is the sink that the flow has now what the rule advises? */
bool advice_followed(const struct advice_rule *r, const struct flow_facts *f);

#endif

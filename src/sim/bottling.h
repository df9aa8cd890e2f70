/* The bottling line as a running simulator: the model, its four images, and how fast model time goes. */
#ifndef SIM_BOTTLING_H
#define SIM_BOTTLING_H

#include "sim/app.h"
#include "sim/points.h"

struct sim_plant {
	struct sim_app		 app;
	struct sim_line		 line;
	struct sim_image	 image[SIM_KINDS];
	struct sim_unit		 unit[SIM_KINDS];
	struct sim_slot		 own[SIM_KINDS], row[SIM_KINDS];
	struct sim_endpoint	 port[SIM_KINDS], whole, serial, rtu_tcp;
	uv_timer_t		 tick;
	double			 scale;		/* model seconds a second */
	double			 owed_ms;	/* model time that is due and not yet stepped */
	uint64_t		 last_ns;
	bool			 paused;
};

extern const struct sim_verb sim_plant_verbs[];
extern const size_t sim_plant_nverbs;

/* Let the model catch up with the clock. */
void sim_plant_advance(struct sim_plant *p);

#endif

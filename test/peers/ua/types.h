/* The plant's own data types in memory, as open62541 wants them laid out. */
#ifndef PEERS_UA_TYPES_H
#define PEERS_UA_TYPES_H

#include "plant.h"

enum custom_type { TYPE_MODE, TYPE_POINT, TYPE_RECIPE, TYPE_BATCH, TYPE_CHOICE, TYPES_CUSTOM };
enum mode { MODE_OFF, MODE_AUTOMATIC, MODE_MANUAL, MODE_CLEANING };

struct point {
	UA_Double	x, y, z;
};

struct recipe {
	UA_String	name;
	UA_UInt32	number;
	enum mode	mode;
	size_t		ntemperatures;
	UA_Double      *temperatures;
	struct point	start;
	UA_Boolean	valid;
};

/* What is optional is a pointer, NULL when left out. */
struct batch {
	UA_Int32	id;
	UA_Double      *weight;
	UA_String      *note;
};

struct choice {
	UA_UInt32	which;		/* 0 none, 1 number, 2 text */
	union {
		UA_UInt32	number;
		UA_String	text;
	} fields;
};

const UA_DataType *type_custom(enum custom_type);

#endif

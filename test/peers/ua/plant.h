/*
 * The parts of the OPC UA server ua_server, which is a peer: open62541 speaks, these files only say what is to be said.
 * One server a process, so its state is plain globals: `opt` is the command line, `plant` what has come of it.
 */
#ifndef PEERS_UA_PLANT_H
#define PEERS_UA_PLANT_H

#include <open62541/server.h>
#include <stdbool.h>
#include <stdint.h>

enum { LIST_MAX = 16, FOLDER_NAME_MAX = 32 };

/* Words that may be given several times. */
struct list {
	const char	*item[LIST_MAX];
	int		 n;
};

struct plant_options {
	const char	*host, *uri, *type, *cert, *key;
	int		 port, variables, per_folder, change_ms, rate, history, history_ms, analog;
	int		 min_sampling_ms, max_sessions, max_items, max_subscriptions;
	int		 nodes_per_read, nodes_per_write, nodes_per_browse, nodes_per_translate;
	int		 items_per_call, values_per_history;
	bool		 no_anonymous, plain_passwords, no_sign, no_encrypt, no_discovery, loud;
	struct list	 namespaces, policies, users, trust, issuers, crls, user_trust, user_issuers, user_crls;
};

struct plant {
	UA_Server	*server;
	UA_UInt16	 ns;			/* the index of the plant's namespace, which depends on the order given */
	UA_NodeId	 root;			/* the folder Plant */
	UA_Byte		 service_level;
	bool		 frozen;
	double		 running_ms;		/* how long values have changed, without the time since the last thaw */
	double		 thawed_ms;		/* monotonic */
	UA_DateTime	 zero;			/* when they would have begun to change, had they never been frozen */
	double		 shift_ms;		/* the server's clock is off by this in its source timestamps */
	UA_DataValue   **held;			/* what a bulk variable was set to; NULL while it changes by itself */
	uint64_t	 reads, writes, items, items_ever;
};

#define PLANT_URI "urn:penstock:test:plant"

extern struct plant_options opt;
extern struct plant plant;

/* Ends the process with a text when the status is bad. */
void		 must(UA_StatusCode, const char *what);
double		 now_ms(void);			/* monotonic */

UA_NodeId	 plant_id(const char *name);	/* borrows the name */
UA_NodeId	 plant_folder(UA_NodeId parent, const char *name);
/* Adds a readable and writable variable whose value is copied; rank and dimensions follow from it. */
UA_NodeId	 plant_variable(UA_NodeId parent, const char *name, const UA_Variant *, UA_NodeId data_type);

void		 bulk_add(void);		/* v0, v1, ...: bulk.c */
bool		 bulk_index(const UA_NodeId *, uint32_t *i);
void		 bulk_hold(uint32_t i, const UA_DataValue *);	/* NULL lets it change again */

const UA_DataTypeArray *types_custom(UA_UInt16 ns);	/* Mode, Point, Recipe, Batch, Choice: types.c */
void		 types_add_nodes(void);
void		 typed_add(void);		/* t.Boolean, a.Int32, ...: typed.c */
void		 machine_add(void);		/* analog items, methods, writes that are ignored, service level: machine.c */
void		 history_add(void);		/* h0, h1, ...: history.c */
/* Appends n values from the time on, `first`, `first` + 1, ...; Good or what the backend says. */
UA_StatusCode	 history_fill(const char *name, UA_DateTime from, double step_ms, int n, double first);

void		 security_configure(UA_ServerConfig *);	/* security.c */
int		 security_close_sessions(void);	/* how many there were */

void		 control_thaw(void);		/* values change from now on */
void		 control_start(void);		/* commands on standard input: control.c */
bool		 control_wants_end(void);
/* Prints one JSON line {"event":"write",...}; the value may be NULL. */
void		 control_tell_write(const UA_NodeId *, const UA_Variant *);

#endif

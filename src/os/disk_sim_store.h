/* The inside of the simulated disk: its memory and its journal. Private to disk_sim*.c. */
#ifndef OS_DISK_SIM_STORE_H
#define OS_DISK_SIM_STORE_H

#include "os/disk_sim.h"

#define FDS	64

struct bytes {
	uint8_t	*p;
	size_t	 len, cap;
};

struct inode {
	struct bytes	seen, kept;	/* by programs; for good */
	bool		is_dir, locked;
};

struct name {
	char		*path;
	uint32_t	 inode;
};

struct names {
	struct name	*v;		/* sorted by path */
	size_t		 n, cap;
};

enum op_kind { OP_WRITE, OP_TRUNCATE, OP_LINK, OP_UNLINK };

struct op {
	enum op_kind	 kind;
	uint32_t	 inode;
	uint64_t	 off;		/* of a write; the size of a truncation */
	uint8_t		*data;
	size_t		 len;
	char		*path, *from;	/* of names; from: the name that a rename takes away, or NULL */
};

struct disk_sim {
	struct disk	 table;
	struct inode	*inodes;
	uint32_t	 ninodes, cap_inodes;
	struct names	 seen, kept;
	struct op	*ops;		/* the journal */
	size_t		 nops, cap_ops;
	struct { bool used, locks; uint32_t inode; } fds[FDS];
	uint64_t	 calls, fault_at, fault_times, limit;
	enum sim_fault	 fault;
};

/* Memory for tests: when there is none, the test is over. */
void *sim_must(void *p);
/* At least want elements of a size; *cap says how many there are. */
void *sim_grow(void *p, size_t *cap, size_t want, size_t size);
char *sim_copy_text(const char *s);
/* Bytes of a file; what is new is zero. */
void sim_resize(struct bytes *b, size_t len);
void sim_put_bytes(struct bytes *b, uint64_t off, const uint8_t *p, size_t len);
struct bytes sim_copy_bytes(const struct bytes *b);
/* Names, sorted by path. NULL: it is not there. */
struct name *sim_name_find(const struct names *n, const char *path);
void sim_name_set(struct names *n, const char *path, uint32_t inode);
void sim_name_remove(struct names *n, const char *path);
/* Is path a name directly in dir? */
bool sim_in_dir(const char *path, const char *dir);
/* Carry out an operation for good; of a write only bytes [from, to). */
void sim_keep(struct disk_sim *s, const struct op *o, size_t from, size_t to);
void sim_op_free(struct op *o);
/* A new operation at the end of the journal. */
struct op *sim_op_add(struct disk_sim *s, enum op_kind kind, uint32_t inode);
/* Settle the operations on the content of a file (dir NULL), or on names in a directory: kept, or lost. */
void sim_settle(struct disk_sim *s, const char *dir, uint32_t inode, bool kept);
uint32_t sim_new_inode(struct disk_sim *s, bool is_dir);

#endif

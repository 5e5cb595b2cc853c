/*
 * What Swift's Glibc module lacks: headers it does not include (epoll, eventfd, signalfd, TUN, namespaces), macros that
 * are not imported (CMSG_*, CPU_SET, _IOW), variadic functions, structures with unions, and code that must run between
 * fork and exec or inside a signal handler.
 *
 * Conventions: every function returns a value >= 0, or -errno, so that no Swift code runs between a call and its errno.
 * Descriptors are made with O_CLOEXEC. The only state is the registry of mappings for the SIGBUS handler (memory.c).
 */
#ifndef CLINUX_H
#define CLINUX_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* Hot path. ------------------------------------------------------------------------------------------------------- */

/* The processor's clock: ticks at a constant rate, unordered against other instructions. */
static inline uint64_t clinux_rdtsc(void) {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  uint64_t ticks;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
#else
#error "clinux_rdtsc: this processor is not supported"
#endif
}

/* Nanoseconds of the monotonic clock (event.c); no system call as a rule. */
uint64_t clinux_monotonic(void);
/* Nanoseconds since 1970, the same way. */
uint64_t clinux_realtime(void);

/* Tells the processor that this is a polling loop. */
static inline void clinux_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Asks for the cache line at `address` before it is read; never faults. */
static inline void clinux_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }

/* Asks for the cache line at `address` to write to it; never faults. The builtin would ask for a line to read, and the
   store would have to ask again. */
static inline void clinux_prefetch_to_write(const void *address) {
#if defined(__x86_64__)
  __asm__ volatile("prefetchw %0" : : "m"(*(const char *)address));
#else
  __builtin_prefetch(address, 1, 3);
#endif
}

/* A sequentially consistent fence. On x86 a locked instruction orders ordinary memory as well as mfence does, which
   compilers use here, and takes a fraction of its time. */
static inline void clinux_fence(void) {
#if defined(__x86_64__)
  __asm__ volatile("lock; addl $0, -4(%%rsp)" : : : "memory", "cc");
#else
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* Adds one to an eventfd. -EAGAIN: its counter is full, which wakes its reader just as well. -EINTR: broken off. */
static inline int clinux_eventfd_write(int fd) {
  const uint64_t one = 1;
  return write(fd, &one, sizeof one) == (ssize_t)sizeof one ? 0 : -errno;
}

/* Errors (text.c). ------------------------------------------------------------------------------------------------ */

/* "No such file or directory" for ENOENT; never null. */
const char *clinux_error_text(int code);
/* "ENOENT"; null for an unknown code. */
const char *clinux_error_name(int code);

/* Descriptors (event.c). ------------------------------------------------------------------------------------------ */

/* A descriptor of the same open file, with O_CLOEXEC. */
int clinux_duplicate(int fd);
int clinux_set_nonblocking(int fd);

enum clinux_kind {
  CLINUX_KIND_OTHER = 0,
  CLINUX_KIND_TMPFS = 1, /* a regular file on tmpfs, memfd included */
  CLINUX_KIND_HUGETLBFS = 2,
  CLINUX_KIND_EVENTFD = 3,
  CLINUX_KIND_SOCKET = 4,
  CLINUX_KIND_LOCAL_FILE = 5,   /* a regular file on ext2, ext3, ext4, XFS or Btrfs */
  CLINUX_KIND_FOREIGN_FILE = 6, /* a regular file on any other file system */
};

/*
 * Says what is behind `fd`; for regular files `page_size` and `file_system` (the number of statfs(2)) are set, `link`
 * always to the text of /proc/self/fd/FD.
 */
int clinux_descriptor_kind(int fd, size_t *page_size, uint64_t *file_system, char *link, size_t link_size);
/* 1 if the file may be read and written through `fd`, else 0. */
int clinux_is_read_write(int fd);
int clinux_file_size(int fd, uint64_t *size);

int clinux_eventfd_create(void);
/* Takes the counter of a non-blocking eventfd; 0 if it was 0 or on error. */
uint64_t clinux_eventfd_read(int fd);

/* One event as Swift sees it: `struct epoll_event` is packed on x86-64 and hides the token in a union. */
struct clinux_event {
  uint64_t token;
  uint32_t events;
};

int clinux_epoll_create(void);
/* `operation`: 1 add, 2 remove, 3 modify (EPOLL_CTL_*). */
int clinux_epoll_control(int epoll, int operation, int fd, uint32_t events, uint64_t token);
/* Waits for up to `microseconds` (negative: for ever); fills and returns at most `count` records, none on EINTR. */
int clinux_epoll_wait(int epoll, struct clinux_event *events, size_t count, int64_t microseconds);
/* Waits until `fd` is readable; 1, or 0 when the time is over or a signal came. */
int clinux_poll_readable(int fd, int milliseconds);

/* Opens a socket in the calling thread's network namespace that hears router solicitations on an interface. */
int clinux_advertisement_open(const char *name);
/* Takes the solicitations that have come and answers them, as no router; 1, or 0 when there were none. */
int clinux_advertisement_answer(int fd);

/* Files (file.c). ------------------------------------------------------------------------------------------------- */

/* Opens a file for writing, empty; made with `mode` if it is not there. A FIFO that nobody reads is waited for if
 * `waits`, else it is -ENXIO, and writes do not block. */
int clinux_file_create(const char *path, mode_t mode, bool waits);
/* Opens a file for reading; never waits, whatever it is. */
int clinux_file_open(const char *path);
/* Waits until a write would not block, or would fail at once; 1, or 0 when the time is over or a signal came. */
int clinux_poll_writable(int fd, int milliseconds);
/* 1 if whoever reads from this pipe, or is at the other end of this socket, has gone; does not wait. */
int clinux_has_hung_up(int fd);
/* Writes once. */
ssize_t clinux_write(int fd, const void *bytes, size_t size);
int clinux_file_truncate(int fd, uint64_t size);
int clinux_file_remove(const char *path);
/* 1 if writing to it never waits for a reader: a regular file or a block device. */
int clinux_is_storage(int fd);
int clinux_is_regular(int fd);
/* The local time as "YYYYmmddHHMMSS". */
void clinux_time_stamp(uint64_t seconds, char text[16]);

/* Folders (folder.c). --------------------------------------------------------------------------------------------- */

/* Opens a folder by its path. */
int clinux_folder_open(const char *path);
/* Opens a folder in a folder; -ELOOP or -ENOTDIR if the entry is a symbolic link. */
int clinux_folder_enter(int folder, const char *name);
/* Opens a folder once more, with a position of its own. */
int clinux_folder_reopen(int folder);
/* Makes a folder in a folder with this mode, whatever the umask (-1: as the umask says); 1, or 0 if an entry of that
 * name is there. */
int clinux_folder_make(int folder, const char *name, int mode);
/* Sets all permission bits but set-group-ID, which stays as it is. */
int clinux_folder_set_mode(int folder, mode_t mode);

enum clinux_entry {
  CLINUX_ENTRY_NONE = 0,
  CLINUX_ENTRY_FILE = 1,
  CLINUX_ENTRY_FOLDER = 2,
  CLINUX_ENTRY_SOCKET = 3,
  CLINUX_ENTRY_LINK = 4, /* a symbolic link, wherever it leads */
  CLINUX_ENTRY_OTHER = 5,
};

/* What an entry itself is, one of `enum clinux_entry`. */
int clinux_entry_kind(int folder, const char *name);
/* Opens a regular file for reading; -ELOOP for a symbolic link, -EINVAL for what is no regular file. */
int clinux_entry_open(int folder, const char *name);
/* Makes a file with just this mode, open for writing; -EEXIST if an entry of that name is there. */
int clinux_entry_create(int folder, const char *name, mode_t mode);
int clinux_entry_rename(int folder, const char *from, const char *to);
/* Gives a file another name; -EEXIST if an entry of that name is there, -EPERM on file systems without links. */
int clinux_entry_publish(int folder, const char *from, const char *to);
/* Removes a folder that is empty, or any entry that is no folder. */
int clinux_entry_remove(int folder, const char *name, bool is_folder);

/* Sockets (socket.c). --------------------------------------------------------------------------------------------- */

int clinux_unix_listen(const char *path, mode_t mode, uid_t user, gid_t group, bool set_owner, int backlog);
/* A socket for datagrams; owner and mode as for a listener, but in force a moment after the file is there. */
int clinux_unix_bind(const char *path, mode_t mode, uid_t user, gid_t group, bool set_owner);
/* Whether a path is a socket that nobody has any more; false if that cannot be told. */
bool clinux_unix_is_stale(const char *path, bool is_stream);
/* From now on a socket for datagrams sends to whoever is bound to a path now. */
int clinux_unix_join(int socket, const char *path);
/* Room for frames on their way; as much of it as the kernel gives. */
void clinux_widen_send_buffer(int socket, int size);
/* What the peer of a stream has not read yet, as the kernel counts it: 0 when it has read all. */
int clinux_unix_unread(int socket);
int clinux_unix_connect(const char *path);
int clinux_unix_accept(int listener);
/*
 * The process that connected a socket: its number, 0 if it lives in another namespace of processes, and the name it
 * has now, empty if that cannot be read.
 */
int clinux_peer_process(int socket, int *pid, char *name, size_t name_size);
int clinux_unix_pair(int sockets[2]);

/* Listens on an IPv4 or IPv6 address, written as text; -EINVAL for anything else. */
int clinux_tcp_listen(const char *address, uint16_t port, int backlog);
/* Tells a service manager something, as sd_notify(3) does: `path` is the value of NOTIFY_SOCKET. */
int clinux_service_notify(const char *path, const char *text);

/* Receives bytes and descriptors (SCM_RIGHTS), none of them inherited by children. Returns the number of bytes, 0 at
 * the end of the stream, -EMSGSIZE if more than `fd_capacity` descriptors came (all are closed), or -errno. */
ssize_t clinux_receive(int socket, void *bytes, size_t size, int *fds, size_t fd_capacity, size_t *fd_count);
/* Sends bytes and descriptors without SIGPIPE; returns the number of bytes sent. */
ssize_t clinux_send(int socket, const void *bytes, size_t size, const int *fds, size_t fd_count);

/* Datagrams that one call moves at most. */
enum { CLINUX_DATAGRAMS = 64 };
/* None of these waits, or raises SIGPIPE. The first returns how many bytes went, which may be fewer than there are, the
 * others how many datagrams. */
ssize_t clinux_send_pieces(int socket, const struct iovec *pieces, size_t count);
/* Each datagram is made of so many pieces, in the order of all pieces. */
int clinux_send_datagrams(int socket, const struct iovec *pieces, const uint16_t *counts, unsigned count);
/* Into slots of `size` bytes, `stride` apart; of a datagram that was longer the size is UINT32_MAX. */
int clinux_receive_datagrams(int socket, void *slots, size_t stride, size_t size, uint32_t *sizes, unsigned count);

/* Guest memory (memory.c). ---------------------------------------------------------------------------------------- */

/* Maps `size` bytes of a memory file shared, for reading and writing; kept out of core dumps and of forked children. */
int clinux_map_shared(int fd, uint64_t offset, size_t size, void **address);
int clinux_unmap(void *address, size_t size);
/* A new memfd of `size` bytes; `huge_page_size` 0 or a size in bytes that the kernel knows. */
int clinux_memory_file(const char *name, uint64_t size, size_t huge_page_size);
/* The same of small pages, of a size that nobody can change any more. */
int clinux_sealed_file(const char *name, uint64_t size);

/* Installs the SIGBUS handler, once for the process. A fault inside a registered range lays zero pages over the lost
 * page and sets the range's flag to 1; any other SIGBUS ends the process as if there were no handler. */
int clinux_install_fault_handler(void);
/* Lost pages covered so far, in all mappings: a worker that sees it unchanged need not look at any flag. */
extern uint32_t clinux_fault_total;
static inline uint32_t clinux_fault_count(void) { return __atomic_load_n(&clinux_fault_total, __ATOMIC_RELAXED); }
/* Registers a mapping; returns its slot. `page_size` is the mapping's, `base` and `size` are multiples of it. */
int clinux_register_mapping(void *base, size_t size, size_t page_size, uint32_t *flag);
/* Forgets a slot; to be called before the range is unmapped, when nobody touches it any more. */
void clinux_unregister_mapping(int slot);

/* Threads and signals (thread.c). --------------------------------------------------------------------------------- */

/* Starts a thread with all signals blocked but those of its own faults and SIGUSR2. `cpu` -1: any. */
int clinux_thread_start(const char *name, int cpu, void (*body)(void *), void *context, uint64_t *thread);
int clinux_thread_join(uint64_t thread);
int clinux_thread_detach(uint64_t thread);
/* Sends SIGUSR2, which breaks off a system call that blocks. */
int clinux_thread_interrupt(uint64_t thread);
/* Sets the nice value of the calling thread alone (setpriority(2), "C library/kernel differences"). */
int clinux_thread_set_priority(int nice);
/* The kernel's number of the calling thread. */
int clinux_thread_id(void);
/* Gives SIGUSR2 an empty handler without SA_RESTART, once for the process. */
int clinux_install_interrupt_handler(void);

int clinux_ignore_pipe(void);
/* Blocks signals in the calling thread and those it starts later. */
int clinux_signals_block(const int *signals, size_t count);
int clinux_signalfd(const int *signals, size_t count);
/* The next signal of a signalfd; -EAGAIN if there is none. */
int clinux_signalfd_read(int fd);

/* TAP (tun.c). ---------------------------------------------------------------------------------------------------- */

/* What a TAP's reader takes: the bits of TUNSETOFFLOAD. Those of UDP are missing in the headers of kernels before 6.2, so
 * they stand here; tun.c compares the others. */
enum {
  CLINUX_TAP_CSUM = 0x01,
  CLINUX_TAP_TSO4 = 0x02,
  CLINUX_TAP_TSO6 = 0x04,
  CLINUX_TAP_ECN = 0x08,
  CLINUX_TAP_USO4 = 0x20,
  CLINUX_TAP_USO6 = 0x40,
};

struct clinux_tap {
  const char *name;
  bool has_header;
  /* In: what is wanted. Out: what the kernel has; it may lack USO. */
  unsigned offloads;
  bool is_persistent;
};

/* Creates or re-attaches a TAP in the calling thread's network namespace; returns its descriptor, non-blocking.
 * On failure `call` names what failed. */
int clinux_tap_open(struct clinux_tap *tap, const char **call);
/* The carrier that the kernel sees, up or down alike; each attachment begins with it on. */
int clinux_tap_set_carrier(int fd, bool up);
/* 0 if the interface behind the descriptor was removed; 1 wherever else it is. */
int clinux_tap_is_attached(int fd);

/* Packet sockets (packet.c). -------------------------------------------------------------------------------------- */

enum {
  CLINUX_PACKET_HEADER = 10, /* bytes of a virtio-net header, without num_buffers */
  CLINUX_PACKET_START = 16,  /* where an untagged frame begins in its slot */
  CLINUX_PACKET_BURST = 64,  /* frames that one call moves at most */
};

struct clinux_packet_socket {
  int index;
  /* In: of every frame that is sent. */
  uint32_t mark;
  /* Out: the kernel takes large UDP frames (virtio's type 5). */
  bool takes_udp;
};

/* Opens a socket for all frames of an interface in the calling thread's namespace, but those that leave by it: non-blocking,
 * the interface promiscuous while it is open, with large buffers. On failure `call` names what failed. */
int clinux_packet_open(struct clinux_packet_socket *request, const char **call);

/* A frame that was received, from byte `start` of its slot on; `size` 0 = it was longer than the slot. */
struct clinux_packet {
  /* Flags, type, hdr_len, gso_size and csum_start of the virtio-net header, in the order of memory; csum_start counts
   * without `tag_size`. */
  uint64_t header;
  uint16_t checksum_offset;
  /* Bytes of the tag that was put back in its place. */
  uint16_t tag_size;
  uint32_t start;
  uint32_t size;
};

/* Hot path: takes up to `count` frames into slots of `stride` bytes each; returns how many. */
int clinux_packet_receive(int fd, void *base, size_t stride, unsigned count, struct clinux_packet *packets);
/* Part of a frame: a `struct iovec`, by a name that Glibc's module does not have. */
struct clinux_piece {
  void *base;
  size_t size;
};

/* Hot path: sends frames, the first of `counts[0]` pieces and so on, the header in front of each; returns how many went
 * before one did not, or why the first did not. */
int clinux_packet_send(int fd, struct clinux_piece *pieces, const uint16_t *counts, unsigned count);

/* Interfaces without the host (deafness.c). ----------------------------------------------------------------------- */

/* Has the kernel drop what comes in by an interface, behind packet sockets, and what goes out without this mark. -EEXIST:
 * it does already, for us or for another. All or nothing. `made_qdisc`: the interface had none for such filters. */
int clinux_link_deafen(int index, uint32_t mark, bool *made_qdisc);
/* Takes these filters away, and the qdisc too if it was made; nothing happens if they are gone. */
int clinux_link_undeafen(int index, bool removes_qdisc);
/* The second name of a link that begins with `prefix`: 1, or 0 and an empty text if it has none. */
int clinux_link_mark(int index, const char *prefix, char name[128], bool *is_ethernet);

/* Network namespaces (namespace.c). ------------------------------------------------------------------------------- */

/* The calling thread's network namespace, as a descriptor. */
int clinux_netns_current(void);
/* Opens /run/netns/NAME, or the absolute path that NAME is; -EINVAL if the file is no namespace. */
int clinux_netns_open(const char *name);
/* Moves the calling thread. */
int clinux_netns_enter(int fd);
/* Moves the calling thread into a new namespace and names it as `ip netns add` does; -EEXIST if the name is taken. */
int clinux_netns_create(const char *name);
/* The network namespace that a process is in, as a descriptor. */
int clinux_netns_of_process(int pid);
/* Names a namespace as `ip netns attach` does; -EEXIST if the name is taken. */
int clinux_netns_attach(const char *name, int fd);
/* 1 if both descriptors are of one namespace, 0 if not. */
int clinux_netns_is_same(int one, int other);
/* Removes the name; the namespace goes when nobody uses it any more. */
int clinux_netns_delete(const char *name);

/* Links (link.c). ------------------------------------------------------------------------------------------------- */

/* The interface's index in the calling thread's namespace; -ENODEV if there is none. */
int clinux_link_index(const char *name);
/* Speed in megabits a second, as ethtool shows and sets it; full duplex. */
int clinux_link_set_speed(const char *name, uint32_t megabits);
int clinux_link_speed(const char *name, uint32_t *megabits);
/* Large frames that the NIC itself joins (LRO), from which nobody can tell what they were: whether it did. `wanted` -1 leaves
 * it so. */
int clinux_link_large_receive(const char *name, int wanted);

/* News of links (linknews.c). ------------------------------------------------------------------------------------- */

enum clinux_link_state { CLINUX_LINK_DOWN = 0, CLINUX_LINK_UP = 1, CLINUX_LINK_GONE = 2 };

struct clinux_link_news {
  int index;
  enum clinux_link_state state;
  /* The cable is in (IFF_LOWER_UP). */
  bool has_carrier;
};

/* A socket that hears of each change of a link in the calling thread's namespace, wherever it is read; non-blocking. */
int clinux_link_news_open(void);
/* Has the kernel tell how a link is; the answer is there when this returns. */
int clinux_link_news_ask(int fd, int index);
/* The news of one message, `capacity` of them at most; 0 = a message without any. -EAGAIN: nothing is there. -ENOBUFS:
 * some were lost, all that matter are to be asked for. */
int clinux_link_news_take(int fd, struct clinux_link_news *news, size_t capacity);

/* Processes (spawn.c, process.c). --------------------------------------------------------------------------------- */

/* The descriptor that a child is started from, in the child. */
enum { CLINUX_SPAWN_PROGRAM = 6 };

struct clinux_spawn {
  const char *executable;   /* a path; nothing is searched for */
  char *const *arguments;   /* null at the end; the first is the name */
  char *const *environment; /* null at the end */
  const char *directory;    /* null: the parent's */
  int standard[3];          /* descriptors >= 3 that become 0, 1 and 2; left open in the parent */
  int netns;                /* -1, or a network namespace to start in, with a /sys of its own */
  int program;              /* -1, or a descriptor that becomes CLINUX_SPAWN_PROGRAM, for an executable in /proc/self/fd */
  int file_mask;            /* -1: the parent's umask */
  uint64_t descriptors;     /* soft limit of RLIMIT_NOFILE; 0: the parent's */
  bool has_session;         /* a session and process group of its own */
  bool has_terminal;        /* standard[0] is a terminal, to be the session's own */
  bool is_detached;         /* a child of init: never ours to wait for */
};

/* Raises the soft limit of descriptors to the hard one; `former` is what it was. */
int clinux_raise_descriptor_limit(uint64_t *former);

/* Makes room for `count` descriptors in the kernel's table of this process. It grows by itself, but while there are several
 * threads each doubling holds up whoever opens something for 10 to 30 ms (expand_fdtable waits for all processors). */
int clinux_reserve_descriptors(int count);

enum clinux_spawn_step {
  CLINUX_SPAWN_FORK = 0,
  CLINUX_SPAWN_SESSION = 1,
  CLINUX_SPAWN_NAMESPACE = 2,
  CLINUX_SPAWN_DIRECTORY = 3,
  CLINUX_SPAWN_DESCRIPTORS = 4,
  CLINUX_SPAWN_EXEC = 5,
};

/* Starts a process with default signals and no other descriptors. Returns its number when it has become the executable,
 * with its start time; on failure `step` says where. */
int clinux_spawn(const struct clinux_spawn *request, uint64_t *start_time, int *step);

/* Opens a file for a child: number >= 3, O_CLOEXEC. `is_output`: created (0600) if need be and appended to. */
int clinux_open_standard(const char *path, bool is_output);
/* A pipe, or a pair of stream sockets; all numbers >= 3, O_CLOEXEC, blocking. */
int clinux_pipe(int ends[2]);
int clinux_pipe_of_sockets(int ends[2]);
/* A pseudoterminal (pty(7)) of this size: the master, non-blocking, and the terminal; numbers >= 3, O_CLOEXEC. */
int clinux_terminal_open(int ends[2], unsigned short rows, unsigned short columns);
/* Tells a terminal its size; who runs in its foreground gets SIGWINCH. */
int clinux_terminal_resize(int fd, unsigned short rows, unsigned short columns);
/* How many rows and columns a terminal shows, 0 if it does not know; -ENOTTY for anything else. */
int clinux_terminal_size(int fd, unsigned short *rows, unsigned short *columns);
/* Reads once; -EAGAIN if a non-blocking descriptor has nothing, 0 at the end. */
ssize_t clinux_read(int fd, void *bytes, size_t size);

/* Field 22 of /proc/PID/stat (clock ticks since boot) and field 3, the state's letter; -ESRCH if there is none. */
int clinux_process_status(int pid, uint64_t *start_time, char *state);
int clinux_pidfd_open(int pid);
int clinux_pidfd_signal(int pidfd, int signal);
/* Signals a whole process group. */
int clinux_group_signal(int group, int signal);
/* Takes the exit status of a child without waiting: 0...255, 128 + signal, or -EAGAIN while it runs. */
int clinux_reap(int pid);

#endif

/*
 * Guest memory, and what happens when the front-end takes it away.
 *
 * A front-end can truncate the file behind a mapping; touching a lost page raises SIGBUS. The handler looks the address
 * up in a table of mappings, lays anonymous zero pages over the lost page and sets the mapping's flag, so that the
 * access goes on and the thread that made it can fail the port afterwards.
 *
 * The table is written under a mutex and read by the handler without one. Each slot carries a sequence number, odd
 * while the slot changes. A slot that changes cannot be the one of the faulting address, since a range is registered
 * before it is used and is not touched any more when it is unregistered: the handler may skip it.
 */
#include <fcntl.h>
#include <linux/memfd.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "CLinux.h"

enum { SLOT_COUNT = 8192 };

struct slot {
  uint32_t sequence;
  uintptr_t base;
  size_t size; /* 0: free */
  size_t page_size;
  uint32_t *flag;
};

static struct slot slots[SLOT_COUNT];
/* One more than the highest slot ever used. */
static uint32_t used_count;
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;

_Static_assert(__atomic_always_lock_free(sizeof(uintptr_t), 0), "the signal handler must not lock");

int clinux_map_shared(int fd, uint64_t offset, size_t size, void **address) {
  void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
  if (base == MAP_FAILED) return -errno;
  madvise(base, size, MADV_DONTDUMP);
  madvise(base, size, MADV_DONTFORK);
  *address = base;
  return 0;
}

int clinux_unmap(void *address, size_t size) { return munmap(address, size) < 0 ? -errno : 0; }

int clinux_memory_file(const char *name, uint64_t size, size_t huge_page_size) {
  unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  if (huge_page_size != 0) {
    unsigned shift = (unsigned)__builtin_ctzl(huge_page_size);
    flags |= MFD_HUGETLB | shift << MFD_HUGE_SHIFT;
  }
  int fd = memfd_create(name, flags);
  if (fd < 0) return -errno;
  if (ftruncate(fd, (off_t)size) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

int clinux_sealed_file(const char *name, uint64_t size) {
  int fd = clinux_memory_file(name, size, 0);
  if (fd < 0) return fd;
  if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

static void write_slot(struct slot *slot, uintptr_t base, size_t size, size_t page_size, uint32_t *flag) {
  uint32_t sequence = __atomic_load_n(&slot->sequence, __ATOMIC_RELAXED);
  __atomic_store_n(&slot->sequence, sequence + 1, __ATOMIC_SEQ_CST);
  __atomic_store_n(&slot->base, base, __ATOMIC_SEQ_CST);
  __atomic_store_n(&slot->size, size, __ATOMIC_SEQ_CST);
  __atomic_store_n(&slot->page_size, page_size, __ATOMIC_SEQ_CST);
  __atomic_store_n(&slot->flag, flag, __ATOMIC_SEQ_CST);
  __atomic_store_n(&slot->sequence, sequence + 2, __ATOMIC_SEQ_CST);
}

int clinux_register_mapping(void *base, size_t size, size_t page_size, uint32_t *flag) {
  int result = -ENOSPC;
  pthread_mutex_lock(&table_lock);
  for (uint32_t i = 0; i < SLOT_COUNT; i++) {
    if (slots[i].size != 0) continue;
    write_slot(&slots[i], (uintptr_t)base, size, page_size, flag);
    if (i >= used_count) __atomic_store_n(&used_count, i + 1, __ATOMIC_SEQ_CST);
    result = (int)i;
    break;
  }
  pthread_mutex_unlock(&table_lock);
  return result;
}

void clinux_unregister_mapping(int slot) {
  if (slot < 0 || slot >= SLOT_COUNT) return;
  pthread_mutex_lock(&table_lock);
  write_slot(&slots[slot], 0, 0, 0, NULL);
  pthread_mutex_unlock(&table_lock);
}

/* Copies the slot whose range holds `address`. */
static bool find_slot(uintptr_t address, struct slot *found) {
  uint32_t count = __atomic_load_n(&used_count, __ATOMIC_SEQ_CST);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t before = __atomic_load_n(&slots[i].sequence, __ATOMIC_SEQ_CST);
    found->base = __atomic_load_n(&slots[i].base, __ATOMIC_SEQ_CST);
    found->size = __atomic_load_n(&slots[i].size, __ATOMIC_SEQ_CST);
    found->page_size = __atomic_load_n(&slots[i].page_size, __ATOMIC_SEQ_CST);
    found->flag = __atomic_load_n(&slots[i].flag, __ATOMIC_SEQ_CST);
    uint32_t after = __atomic_load_n(&slots[i].sequence, __ATOMIC_SEQ_CST);
    if (before != after || before % 2 != 0 || found->size == 0) continue;
    if (address >= found->base && address - found->base < found->size) return true;
  }
  return false;
}

uint32_t clinux_fault_total;

static bool cover_lost_page(uintptr_t address) {
  struct slot slot;
  if (!find_slot(address, &slot)) return false;
  uintptr_t page = slot.base + (address - slot.base) / slot.page_size * slot.page_size;
  void *laid = mmap((void *)page, slot.page_size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
  if (laid == MAP_FAILED) return false;
  __atomic_store_n(slot.flag, 1, __ATOMIC_SEQ_CST);
  __atomic_add_fetch(&clinux_fault_total, 1, __ATOMIC_SEQ_CST);
  return true;
}

static void handle_fault(int number, siginfo_t *info, void *context) {
  (void)context;
  int error = errno;
  /* si_code <= 0: sent by a process, not by the memory; si_addr says nothing then. */
  if (info->si_code <= 0 || !cover_lost_page((uintptr_t)info->si_addr)) {
    signal(number, SIG_DFL);
    raise(number); /* delivered when the handler returns and unblocks it */
  }
  errno = error;
}

static int handler_result;

static void install_fault_handler(void) {
  /* No SA_ONSTACK: the handler needs little, and other threads have no alternate stack. */
  struct sigaction action = {.sa_sigaction = handle_fault, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigemptyset(&action.sa_mask);
  handler_result = sigaction(SIGBUS, &action, NULL) < 0 ? -errno : 0;
}

int clinux_install_fault_handler(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install_fault_handler);
  return handler_result;
}

/* The few MPI calls that the runtime makes, with integers and bytes at the border. In C because handles and constants are
 * macros that differ between MPI implementations: this file is compiled by the mpicc of the one chosen at configure time. */
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include <dlfcn.h>
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SHIM __attribute__((visibility("hidden")))

/* Messages are counted in lines of 64 bytes. What travels with a message has a tag of its own, and is found by its sender alone. */
enum { LINE = 64, TAG = 1, CARGO = 2 };

static MPI_Comm duplicate = MPI_COMM_NULL;
static MPI_Datatype line = MPI_DATATYPE_NULL;

static int error_text(int code, char *text, int capacity)
{
    char buffer[MPI_MAX_ERROR_STRING];
    int length = 0;
    if (code != MPI_SUCCESS && MPI_Error_string(code, buffer, &length) == MPI_SUCCESS)
        snprintf(text, (size_t)capacity, "%.*s", length, buffer);
    return code == MPI_SUCCESS ? 0 : 1;
}

/* Family of the MPI that this file was compiled for: 1 Open MPI, 2 MPICH and its relatives, 0 another. */
SHIM int cohort_shim_family(void)
{
#if defined(OPEN_MPI)
    return 1;
#elif defined(MPICH_VERSION)
    return 2;
#else
    return 0;
#endif
}

/* A Fortran program of one MPI with this library of another loads both. Their names collide, and its calls crash before it
 * asks the runtime for anything: so this is said as soon as the library is loaded. */
__attribute__((constructor)) static void tell_of_two_mpis(void)
{
#if defined(OPEN_MPI)
    const char *mine = "Open MPI", *other = "MPICH", *symbol_of_other = "MPIR_Err_create_code";
#elif defined(MPICH_VERSION)
    const char *mine = "MPICH", *other = "Open MPI", *symbol_of_other = "ompi_mpi_comm_world";
#else
    const char *mine = "another MPI", *other = "", *symbol_of_other = "";
#endif
    if (dlsym(RTLD_DEFAULT, symbol_of_other) != NULL)
        fprintf(stderr, "cohort: this libcohort was built for %s, but the program is linked with %s: calls of one will reach the "
                        "other and crash; configure Cohort with the program's mpicc\n", mine, other);
}

/* What the MPI library that is loaded says of itself. May be called before MPI_Init. */
SHIM void cohort_shim_library(char *text, int capacity)
{
    /* The library loaded may not be the one this was compiled for, and its longest text longer: MPICH's has 8192 bytes,
     * Open MPI's 256. */
    char buffer[MPI_MAX_LIBRARY_VERSION_STRING > 16384 ? MPI_MAX_LIBRARY_VERSION_STRING : 16384];
    int length = 0;
    MPI_Get_library_version(buffer, &length);
    snprintf(text, (size_t)capacity, "%.*s", length, buffer);
}

/* 0 not initialised, 1 running, 2 finalised. */
SHIM int cohort_shim_phase(void)
{
    int initialized = 0, finalized = 0;
    MPI_Initialized(&initialized);
    MPI_Finalized(&finalized);
    return finalized ? 2 : initialized ? 1 : 0;
}

/* Whether this is the thread that initialised MPI. */
SHIM int cohort_shim_is_main(void)
{
    int main_thread = 0;
    MPI_Is_thread_main(&main_thread);
    return main_thread;
}

/* 0 SINGLE, 1 FUNNELED, 2 SERIALIZED, 3 MULTIPLE. */
SHIM int cohort_shim_level(void)
{
    int level = MPI_THREAD_SINGLE;
    MPI_Query_thread(&level);
    return level == MPI_THREAD_MULTIPLE ? 3 : level == MPI_THREAD_SERIALIZED ? 2 : level == MPI_THREAD_FUNNELED ? 1 : 0;
}

/* Whether this MPI says that it takes addresses in the memory of CUDA's devices. Extensions, of which Open MPI has the first and MPICH both; the
 * library that is loaded is asked, which may be newer than the one that this was compiled for. */
SHIM int cohort_shim_takes_device_memory(void)
{
    int (*query)(void);
    int (*query_kind)(int, int *);
    enum { CUDA = 0 }; /* MPIX_GPU_SUPPORT_CUDA */
    int supported = 0;
    *(void **)&query = dlsym(RTLD_DEFAULT, "MPIX_Query_cuda_support");
    *(void **)&query_kind = dlsym(RTLD_DEFAULT, "MPIX_GPU_query_support");
    if (query != NULL)
        return query() == 1;
    if (query_kind != NULL && query_kind(CUDA, &supported) == MPI_SUCCESS)
        return supported;
    return 0;
}

/* Duplicates the caller's communicator; collective. Errors return instead of ending the program. */
SHIM int cohort_shim_open(int32_t fortran, int32_t *rank, int32_t *size, char *text, int capacity)
{
    MPI_Comm comm = MPI_Comm_f2c((MPI_Fint)fortran);
    int me = 0, all = 0, between = 0, code;
    if (comm == MPI_COMM_NULL) {
        snprintf(text, (size_t)capacity, "the communicator is MPI_COMM_NULL or not a valid handle");
        return 1;
    }
    code = MPI_Comm_test_inter(comm, &between);
    if (code == MPI_SUCCESS && between) {
        snprintf(text, (size_t)capacity, "an intercommunicator; give an intracommunicator such as MPI_COMM_WORLD");
        return 1;
    }
    if (code == MPI_SUCCESS)
        code = MPI_Comm_dup(comm, &duplicate);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_set_errhandler(duplicate, MPI_ERRORS_RETURN);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_rank(duplicate, &me);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_size(duplicate, &all);
    if (code == MPI_SUCCESS)
        code = MPI_Type_contiguous(LINE, MPI_BYTE, &line);
    if (code == MPI_SUCCESS)
        code = MPI_Type_commit(&line);
    *rank = me;
    *size = all;
    return error_text(code, text, capacity);
}

/* The ranks of the runtime's communicator next to this process in a Cartesian one: below and above in each dimension, -1 for none. */
SHIM int cohort_shim_neighbours(int32_t fortran, int32_t neighbours[6], char *text, int capacity)
{
    MPI_Comm comm = MPI_Comm_f2c((MPI_Fint)fortran);
    MPI_Group theirs, ours;
    int kind = MPI_UNDEFINED, dims = 0, d, code;
    for (d = 0; d < 6; d++)
        neighbours[d] = -1;
    if (comm == MPI_COMM_NULL) {
        snprintf(text, (size_t)capacity, "the communicator is MPI_COMM_NULL or not a valid handle");
        return 1;
    }
    code = MPI_Topo_test(comm, &kind);
    if (code == MPI_SUCCESS && kind != MPI_CART) {
        snprintf(text, (size_t)capacity, "the communicator has no Cartesian topology; make one with MPI_Cart_create");
        return 1;
    }
    if (code == MPI_SUCCESS)
        code = MPI_Cartdim_get(comm, &dims);
    if (code == MPI_SUCCESS && dims > 3) {
        snprintf(text, (size_t)capacity, "the communicator has %d dimensions; halos have 1 to 3", dims);
        return 1;
    }
    if (code == MPI_SUCCESS)
        code = MPI_Comm_group(comm, &theirs);
    if (code != MPI_SUCCESS)
        return error_text(code, text, capacity);
    code = MPI_Comm_group(duplicate, &ours);
    for (d = 0; d < dims && code == MPI_SUCCESS; d++) {
        int beside[2], ranks[2];
        code = MPI_Cart_shift(comm, d, 1, &beside[0], &beside[1]);
        if (code == MPI_SUCCESS)
            code = MPI_Group_translate_ranks(theirs, 2, beside, ours, ranks);
        for (int side = 0; side < 2 && code == MPI_SUCCESS; side++) {
            if (beside[side] == MPI_PROC_NULL)
                continue;
            if (ranks[side] == MPI_UNDEFINED) {
                snprintf(text, (size_t)capacity, "rank %d of the Cartesian communicator is not in the runtime's; make it from the same processes", beside[side]);
                return 1;
            }
            neighbours[2 * d + side] = ranks[side];
        }
    }
    MPI_Group_free(&theirs);
    MPI_Group_free(&ours);
    return error_text(code, text, capacity);
}

/* Requests and matched messages travel through Rust as 64 bits: integers in one MPI, pointers in another. */
_Static_assert(sizeof(MPI_Request) <= sizeof(uint64_t), "an MPI_Request fits a word");
_Static_assert(sizeof(MPI_Message) <= sizeof(uint64_t), "an MPI_Message fits a word");

#define STORE(word, handle) (*(word) = 0, memcpy((word), &(handle), sizeof(handle)))
#define LOAD(handle, word) memcpy(&(handle), (word), sizeof(handle))

/* Starts to gather; complete when the request is. */
SHIM int cohort_shim_gather(const void *mine, void *all, int32_t bytes, uint64_t *request, char *text, int capacity)
{
    MPI_Request started = MPI_REQUEST_NULL;
    int code = MPI_Iallgather(mine, bytes, MPI_BYTE, all, bytes, MPI_BYTE, duplicate, &started);
    STORE(request, started);
    return error_text(code, text, capacity);
}

SHIM int cohort_shim_send(const void *lines, int32_t count, int32_t is_cargo, int32_t to, uint64_t *request, char *text, int capacity)
{
    MPI_Request started = MPI_REQUEST_NULL;
    int code = MPI_Isend(lines, count, line, to, is_cargo ? CARGO : TAG, duplicate, &started);
    STORE(request, started);
    return error_text(code, text, capacity);
}

/* Whether a message has come; if so, from whom and how long, and nobody else receives it. */
SHIM int cohort_shim_probe(int32_t *found, int32_t *from, int32_t *count, uint64_t *matched, char *text, int capacity)
{
    MPI_Message message = MPI_MESSAGE_NULL;
    MPI_Status status;
    int flag = 0, lines = 0;
    int code = MPI_Improbe(MPI_ANY_SOURCE, TAG, duplicate, &flag, &message, &status);
    *found = flag;
    if (code == MPI_SUCCESS && flag) {
        code = MPI_Get_count(&status, line, &lines);
        *from = status.MPI_SOURCE;
        *count = lines;
        STORE(matched, message);
    }
    return error_text(code, text, capacity);
}

SHIM int cohort_shim_receive(void *lines, int32_t count, uint64_t *matched, uint64_t *request, char *text, int capacity)
{
    MPI_Message message;
    MPI_Request started = MPI_REQUEST_NULL;
    int code;
    LOAD(message, matched);
    code = MPI_Imrecv(lines, count, line, &message, &started);
    STORE(request, started);
    return error_text(code, text, capacity);
}

SHIM int cohort_shim_receive_cargo(void *lines, int32_t count, int32_t from, uint64_t *request, char *text, int capacity)
{
    MPI_Request started = MPI_REQUEST_NULL;
    int code = MPI_Irecv(lines, count, line, from, CARGO, duplicate, &started);
    STORE(request, started);
    return error_text(code, text, capacity);
}

SHIM int cohort_shim_test(uint64_t *request, int32_t *done, char *text, int capacity)
{
    MPI_Request started;
    int flag = 0, code;
    LOAD(started, request);
    code = MPI_Test(&started, &flag, MPI_STATUS_IGNORE);
    STORE(request, started);
    *done = flag;
    return error_text(code, text, capacity);
}

SHIM int cohort_shim_close(char *text, int capacity)
{
    int code = MPI_SUCCESS;
    if (line != MPI_DATATYPE_NULL)
        code = MPI_Type_free(&line);
    if (code == MPI_SUCCESS && duplicate != MPI_COMM_NULL)
        code = MPI_Comm_free(&duplicate);
    return error_text(code, text, capacity);
}

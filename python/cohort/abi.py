"""The C interface as include/cohort.h has it: constants without their prefix, types and functions with their names.

Generated: COHORT_UPDATE_HEADERS=1 cargo test --test headers. Do not edit.
"""

from ctypes import (CFUNCTYPE, POINTER, Structure, c_bool, c_char, c_char_p, c_double, c_float, c_int32, c_int64, c_size_t,
                    c_uint8, c_uint32, c_uint64, c_void_p, sizeof)
from typing import Any, Dict, List, Tuple

__all__ = [
    "ABI",
    "MAPPER_SERIALISED",
    "TASK_LEAF",
    "TASK_MPI_THREAD",
    "FOLD_ANY_ORDER",
    "LAUNCH_CONCURRENT",
    "VERSION",
    "COPY_SKIP_OUT_OF_RANGE",
    "LAYOUT_EXACT",
    "COPIED_TEXT",
    "MEMORY_ANY",
    "MEMORY_SYSTEM",
    "MEMORY_SHARED",
    "MEMORY_DEVICE",
    "MEMORY_ZERO_COPY",
    "OK",
    "ERROR_INVALID_ARGUMENT",
    "ERROR_INVALID_HANDLE",
    "ERROR_WRONG_THREAD",
    "ERROR_WRONG_ORDER",
    "ERROR_WRONG_RANK",
    "ERROR_PRIVILEGE",
    "ERROR_BOUNDS",
    "ERROR_OUT_OF_MEMORY",
    "ERROR_TASK_FAILED",
    "ERROR_TIMEOUT",
    "ERROR_UNSUPPORTED",
    "ERROR_MPI",
    "ERROR_VERSION",
    "ERROR_INTERFERENCE",
    "ERROR_RESOURCES",
    "ERROR_PEER_LOST",
    "ERROR_INTERNAL",
    "NO_ACCESS",
    "READ_ONLY",
    "READ_WRITE",
    "WRITE_DISCARD",
    "REDUCE",
    "EXCLUSIVE",
    "SIMULTANEOUS",
    "ATOMIC",
    "RELAXED",
    "REDUCTION_NONE",
    "SUM",
    "PRODUCT",
    "MIN",
    "MAX",
    "TYPE_NONE",
    "INT32",
    "INT64",
    "FLOAT",
    "DOUBLE",
    "FLOAT_COMPLEX",
    "DOUBLE_COMPLEX",
    "PROC_ANY",
    "PROC_CPU",
    "PROC_MPI",
    "PROC_DEVICE",
    "SIDE_HOST",
    "SIDE_TASKS",
    "PROJECTION_IDENTITY",
    "PROJECTION_OFFSET",
    "ORDER_FORTRAN",
    "ORDER_C",
    "SOA",
    "AOS",
    "BLOCKED",
    "DEVICE_ANY",
    "DEVICE_CUDA",
    "DEVICE_OPENCL",
]

ABI = 1798641460
MAPPER_SERIALISED = 1
TASK_LEAF = 1
TASK_MPI_THREAD = 2
FOLD_ANY_ORDER = 1
LAUNCH_CONCURRENT = 1
VERSION = 100
COPY_SKIP_OUT_OF_RANGE = 1
LAYOUT_EXACT = 1
COPIED_TEXT = 232
MEMORY_ANY = 0
MEMORY_SYSTEM = 1
MEMORY_SHARED = 2
MEMORY_DEVICE = 3
MEMORY_ZERO_COPY = 4
OK = 0
ERROR_INVALID_ARGUMENT = 1
ERROR_INVALID_HANDLE = 2
ERROR_WRONG_THREAD = 3
ERROR_WRONG_ORDER = 4
ERROR_WRONG_RANK = 5
ERROR_PRIVILEGE = 6
ERROR_BOUNDS = 7
ERROR_OUT_OF_MEMORY = 8
ERROR_TASK_FAILED = 9
ERROR_TIMEOUT = 10
ERROR_UNSUPPORTED = 11
ERROR_MPI = 12
ERROR_VERSION = 13
ERROR_INTERFERENCE = 14
ERROR_RESOURCES = 15
ERROR_PEER_LOST = 16
ERROR_INTERNAL = 99
NO_ACCESS = 0
READ_ONLY = 1
READ_WRITE = 2
WRITE_DISCARD = 3
REDUCE = 4
EXCLUSIVE = 0
SIMULTANEOUS = 1
ATOMIC = 2
RELAXED = 3
REDUCTION_NONE = 0
SUM = 1
PRODUCT = 2
MIN = 3
MAX = 4
TYPE_NONE = 0
INT32 = 1
INT64 = 2
FLOAT = 3
DOUBLE = 4
FLOAT_COMPLEX = 5
DOUBLE_COMPLEX = 6
PROC_ANY = 0
PROC_CPU = 1
PROC_MPI = 2
PROC_DEVICE = 3
SIDE_HOST = 0
SIDE_TASKS = 1
PROJECTION_IDENTITY = 0
PROJECTION_OFFSET = 1
ORDER_FORTRAN = 0
ORDER_C = 1
SOA = 0
AOS = 1
BLOCKED = 2
DEVICE_ANY = 0
DEVICE_CUDA = 1
DEVICE_OPENCL = 2

cohort_status_t = c_int32


class cohort_runtime_t(Structure):
    _fields_ = [
        ("id", c_uint64),
    ]


class cohort_phase_barrier_t(Structure):
    _fields_ = [
        ("id", c_uint64),
        ("phase", c_uint64),
    ]


class cohort_context_t(Structure):
    _fields_ = [
        ("id", c_uint64),
    ]


cohort_reduction_t = c_int32
cohort_type_t = c_int32


class cohort_collective_t(Structure):
    _fields_ = [
        ("id", c_uint64),
        ("phase", c_uint64),
    ]


class cohort_future_t(Structure):
    _fields_ = [
        ("id", c_uint64),
    ]


class cohort_task_t(Structure):
    _fields_ = [
        ("id", c_uint64),
    ]


cohort_device_api_t = c_int32


class cohort_kernel_t(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("source", c_char_p),
        ("file", c_char_p),
        ("name", c_char_p),
        ("options", c_char_p),
        ("block", c_uint32 * 3),
        ("grid_requirement", c_uint32),
        ("api", cohort_device_api_t),
    ]


class cohort_device_t(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("api", cohort_device_api_t),
        ("number", c_uint32),
        ("device", c_void_p),
        ("context", c_void_p),
        ("stream", c_void_p),
    ]


cohort_device_function_t = CFUNCTYPE(c_int32, cohort_context_t, POINTER(cohort_device_t), c_void_p)
cohort_field_t = c_uint32
cohort_privilege_t = c_int32


class cohort_device_view_t(Structure):
    _fields_ = [
        ("base", c_void_p),
        ("offset", c_uint64),
        ("dim", c_int32),
        ("lo", c_int64 * 3),
        ("hi", c_int64 * 3),
        ("stride", c_int64 * 3),
    ]


class cohort_region_t(Structure):
    _fields_ = [
        ("id", c_uint64),
    ]


class cohort_partition_t(Structure):
    _fields_ = [
        ("id", c_uint64),
    ]


cohort_projection_t = c_uint32


class cohort_requirement_t(Structure):
    _fields_ = [
        ("region", cohort_region_t),
        ("partition", cohort_partition_t),
        ("fields", POINTER(cohort_field_t)),
        ("field_count", c_uint32),
        ("privilege", c_int32),
        ("coherence", c_int32),
        ("reduction", c_int32),
        ("reduction_type", c_int32),
        ("projection", cohort_projection_t),
        ("projection_offset", c_int64),
        ("flags", c_uint32),
    ]


class cohort_handshake_t(Structure):
    _fields_ = [
        ("id", c_uint64),
    ]


class cohort_future_map_t(Structure):
    _fields_ = [
        ("id", c_uint64),
    ]


class cohort_predicate_t(Structure):
    _fields_ = [
        ("id", c_uint64),
    ]


class cohort_launch_t(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("task", cohort_task_t),
        ("args", c_void_p),
        ("args_size", c_size_t),
        ("requirements", POINTER(cohort_requirement_t)),
        ("requirement_count", c_uint32),
        ("futures", POINTER(cohort_future_t)),
        ("future_count", c_uint32),
        ("wait_barriers", POINTER(cohort_phase_barrier_t)),
        ("wait_barrier_count", c_uint32),
        ("arrive_barriers", POINTER(cohort_phase_barrier_t)),
        ("arrive_barrier_count", c_uint32),
        ("wait_handshakes", POINTER(cohort_handshake_t)),
        ("wait_handshake_count", c_uint32),
        ("arrive_handshakes", POINTER(cohort_handshake_t)),
        ("arrive_handshake_count", c_uint32),
        ("processor", c_int32),
        ("flags", c_uint32),
        ("future_map_count", c_uint32),
        ("future_maps", POINTER(cohort_future_map_t)),
        ("predicate", cohort_predicate_t),
        ("false_result", c_void_p),
        ("false_result_size", c_size_t),
    ]


class cohort_view_t(Structure):
    _fields_ = [
        ("base", c_void_p),
        ("dim", c_int32),
        ("lo", c_int64 * 3),
        ("hi", c_int64 * 3),
        ("stride", c_int64 * 3),
        ("block", c_int64),
        ("block_stride", c_int64),
        ("block_offset", c_int64),
        ("block_dim", c_int32),
    ]


class cohort_index_space_t(Structure):
    _fields_ = [
        ("id", c_uint64),
    ]


class cohort_field_space_t(Structure):
    _fields_ = [
        ("id", c_uint64),
    ]


class cohort_ghost_t(Structure):
    _fields_ = [
        ("words", c_uint64 * 32),
    ]


class cohort_copy_t(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("source", cohort_region_t),
        ("destination", cohort_region_t),
        ("source_fields", POINTER(cohort_field_t)),
        ("destination_fields", POINTER(cohort_field_t)),
        ("field_count", c_uint32),
        ("shift", c_int64 * 3),
        ("wait_barriers", POINTER(cohort_phase_barrier_t)),
        ("wait_barrier_count", c_uint32),
        ("arrive_barriers", POINTER(cohort_phase_barrier_t)),
        ("arrive_barrier_count", c_uint32),
        ("predicate", cohort_predicate_t),
        ("gather", cohort_region_t),
        ("gather_field", cohort_field_t),
        ("scatter", cohort_region_t),
        ("scatter_field", cohort_field_t),
        ("flags", c_uint32),
        ("reduction", c_int32),
        ("reduction_type", c_int32),
    ]


class cohort_sync_t(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("region", cohort_region_t),
        ("fields", POINTER(cohort_field_t)),
        ("field_count", c_uint32),
        ("wait_barriers", POINTER(cohort_phase_barrier_t)),
        ("wait_barrier_count", c_uint32),
        ("arrive_barriers", POINTER(cohort_phase_barrier_t)),
        ("arrive_barrier_count", c_uint32),
        ("predicate", cohort_predicate_t),
    ]


class cohort_halo_options_t(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("dim", c_int32),
        ("lo", c_int64 * 3),
        ("hi", c_int64 * 3),
        ("depth", c_int64 * 3),
        ("neighbours", c_int32 * 6),
        ("field_count", c_uint32),
        ("field_bytes", c_size_t),
    ]


class cohort_halo_t(Structure):
    _fields_ = [
        ("id", c_uint64),
    ]


cohort_side_t = c_int32


class cohort_mapping_t(Structure):
    _fields_ = [
        ("id", c_uint64),
    ]


class cohort_layout_t(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("order", c_int32),
        ("grouping", c_int32),
        ("block", c_uint32),
        ("padding", c_uint32 * 3),
        ("flags", c_uint32),
        ("alignment", c_uint64),
    ]


cohort_processor_t = c_int32


class cohort_copied_t(Structure):
    _fields_ = [
        ("copies", c_uint64),
        ("bytes_in", c_uint64),
        ("bytes_out", c_uint64),
        ("why", c_char * 232),
    ]


class cohort_processor_info_t(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("number", c_int32),
        ("kind", c_int32),
        ("helps", c_int32),
        ("cpu", c_int32),
        ("numa_node", c_int32),
        ("memory", c_int32),
        ("api", c_int32),
        ("name", c_char_p),
    ]


cohort_memory_t = c_int32


class cohort_memory_info_t(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("number", c_int32),
        ("kind", c_int32),
        ("numa_node", c_int32),
        ("bytes", c_uint64),
        ("available", c_uint64),
    ]


class cohort_affinity_t(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("bandwidth", c_double),
        ("latency", c_double),
    ]


class cohort_rank_info_t(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("rank", c_int32),
        ("node", c_int32),
        ("same_node", c_int32),
        ("shares_memory", c_int32),
        ("numa_node", c_int32),
        ("workers", c_int32),
    ]


class cohort_requirement_info_t(Structure):
    _fields_ = [
        ("dim", c_int32),
        ("lo", c_int64 * 3),
        ("hi", c_int64 * 3),
        ("volume", c_uint64),
        ("fields", POINTER(cohort_field_t)),
        ("field_count", c_uint32),
        ("privilege", c_int32),
        ("coherence", c_int32),
        ("worker", c_int32),
        ("bytes", c_uint64),
        ("layout_is_open", c_bool),
    ]


class cohort_task_info_t(Structure):
    _fields_ = [
        ("task", cohort_task_t),
        ("name", c_char_p),
        ("point", c_uint32),
        ("points", c_uint32),
        ("args", c_void_p),
        ("args_size", c_size_t),
        ("requirements", POINTER(cohort_requirement_info_t)),
        ("requirement_count", c_uint32),
        ("processor", c_int32),
        ("variants", c_uint32),
        ("leaf", c_bool),
        ("processor_is_open", c_bool),
        ("may_run_inline", c_bool),
        ("devices", POINTER(c_int32)),
        ("device_count", c_uint32),
    ]


class cohort_task_options_t(Structure):
    _fields_ = [
        ("processor", c_int32),
        ("priority", c_int32),
        ("run_inline", c_int32),
        ("replay", c_int32),
        ("device", c_int32),
    ]


cohort_select_task_options_t = CFUNCTYPE(c_int32, POINTER(cohort_task_info_t), POINTER(cohort_task_options_t), c_void_p)


class cohort_slice_t(Structure):
    _fields_ = [
        ("first", c_uint32),
        ("count", c_uint32),
        ("worker", c_int32),
    ]


class cohort_slices_t(Structure):
    _fields_ = [
        ("slices", POINTER(cohort_slice_t)),
        ("capacity", c_uint32),
        ("count", c_uint32),
    ]


cohort_slice_index_launch_t = CFUNCTYPE(c_int32, POINTER(cohort_task_info_t), POINTER(cohort_slices_t), c_void_p)


class cohort_requirement_mapping_t(Structure):
    _fields_ = [
        ("rank", c_int32),
        ("memory", c_int32),
        ("layout", POINTER(cohort_layout_t)),
    ]


class cohort_task_mapping_t(Structure):
    _fields_ = [
        ("processor", c_int32),
        ("worker", c_int32),
        ("priority", c_int32),
        ("requirement_count", c_uint32),
        ("requirements", POINTER(cohort_requirement_mapping_t)),
    ]


cohort_map_task_t = CFUNCTYPE(c_int32, POINTER(cohort_task_info_t), POINTER(cohort_task_mapping_t), c_void_p)


class cohort_copy_info_t(Structure):
    _fields_ = [
        ("source", cohort_requirement_info_t),
        ("destination", cohort_requirement_info_t),
    ]


class cohort_copy_mapping_t(Structure):
    _fields_ = [
        ("worker", c_int32),
        ("priority", c_int32),
    ]


cohort_map_copy_t = CFUNCTYPE(c_int32, POINTER(cohort_copy_info_t), POINTER(cohort_copy_mapping_t), c_void_p)


class cohort_member_mapping_t(Structure):
    _fields_ = [
        ("rank", c_int32),
    ]


cohort_map_must_epoch_t = CFUNCTYPE(c_int32, POINTER(cohort_task_info_t), c_uint32, POINTER(cohort_member_mapping_t), c_void_p)


class cohort_context_info_t(Structure):
    _fields_ = [
        ("task", cohort_task_t),
        ("name", c_char_p),
    ]


cohort_select_tunable_t = CFUNCTYPE(c_int32, POINTER(cohort_context_info_t), c_char_p, POINTER(c_int64), c_void_p)
cohort_configure_context_t = CFUNCTYPE(c_int32, POINTER(cohort_context_info_t), POINTER(c_int64), c_void_p)


class cohort_report_t(Structure):
    _fields_ = [
        ("task", cohort_task_t),
        ("name", c_char_p),
        ("point", c_uint32),
        ("processor", c_int32),
        ("worker", c_int32),
        ("start", c_uint64),
        ("stop", c_uint64),
    ]


cohort_report_times_t = CFUNCTYPE(None, POINTER(cohort_report_t), c_void_p)
cohort_map_inline_t = CFUNCTYPE(c_int32, POINTER(cohort_context_info_t), POINTER(cohort_requirement_info_t), POINTER(cohort_requirement_mapping_t), c_void_p)


class cohort_copy_source_t(Structure):
    _fields_ = [
        ("memory", c_int32),
        ("bytes", c_uint64),
    ]


class cohort_sources_info_t(Structure):
    _fields_ = [
        ("task", cohort_task_t),
        ("name", c_char_p),
        ("number", c_uint32),
        ("requirement", cohort_requirement_info_t),
        ("destination", c_int32),
        ("bytes", c_uint64),
        ("sources", POINTER(cohort_copy_source_t)),
        ("source_count", c_uint32),
    ]


class cohort_source_order_t(Structure):
    _fields_ = [
        ("memories", POINTER(c_int32)),
        ("count", c_uint32),
    ]


cohort_rank_copy_sources_t = CFUNCTYPE(c_int32, POINTER(cohort_sources_info_t), POINTER(cohort_source_order_t), c_void_p)


class cohort_mapper_t(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("user", c_void_p),
        ("flags", c_uint32),
        ("select_task_options", cohort_select_task_options_t),
        ("slice_index_launch", cohort_slice_index_launch_t),
        ("map_task", cohort_map_task_t),
        ("map_copy", cohort_map_copy_t),
        ("map_must_epoch", cohort_map_must_epoch_t),
        ("select_tunable", cohort_select_tunable_t),
        ("configure_context", cohort_configure_context_t),
        ("report", cohort_report_times_t),
        ("map_inline", cohort_map_inline_t),
        ("rank_copy_sources", cohort_rank_copy_sources_t),
    ]


class cohort_mapper_handle_t(Structure):
    _fields_ = [
        ("id", c_uint64),
    ]


cohort_projection_function_t = CFUNCTYPE(c_int64, c_uint32, c_uint32, c_void_p)
cohort_fold_function_t = CFUNCTYPE(None, c_void_p, c_void_p, c_size_t, c_void_p)


class cohort_config_t(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("workers", c_int32),
        ("host_helps", c_int32),
        ("bind", c_int32),
        ("window", c_uint32),
        ("spin_microseconds", c_int32),
        ("task_stack_bytes", c_uint64),
        ("watchdog_seconds", c_double),
        ("force_messages", c_int32),
        ("shared_bytes", c_uint64),
        ("on_error", c_int32),
    ]


cohort_release_function_t = CFUNCTYPE(None, c_void_p)
cohort_task_function_t = CFUNCTYPE(c_int32, cohort_context_t, c_void_p)
cohort_coherence_t = c_int32
cohort_order_t = c_int32
cohort_grouping_t = c_int32

# What the _INIT macros set, where it is not zero.
INITIAL: Dict[type, Dict[str, Any]] = {
    cohort_config_t: {"size": sizeof(cohort_config_t), "workers": -1, "host_helps": -1, "bind": -1, "spin_microseconds": -1, "force_messages": -1, "on_error": -1},
    cohort_launch_t: {"size": sizeof(cohort_launch_t)},
    cohort_copy_t: {"size": sizeof(cohort_copy_t)},
    cohort_kernel_t: {"size": sizeof(cohort_kernel_t), "api": DEVICE_ANY},
    cohort_sync_t: {"size": sizeof(cohort_sync_t)},
    cohort_layout_t: {"size": sizeof(cohort_layout_t)},
    cohort_mapper_t: {"size": sizeof(cohort_mapper_t)},
    cohort_halo_options_t: {"size": sizeof(cohort_halo_options_t), "neighbours": (-1, -1, -1, -1, -1, -1)},
    cohort_processor_info_t: {"size": sizeof(cohort_processor_info_t)},
    cohort_memory_info_t: {"size": sizeof(cohort_memory_info_t)},
    cohort_affinity_t: {"size": sizeof(cohort_affinity_t)},
    cohort_rank_info_t: {"size": sizeof(cohort_rank_info_t)},
}

# By name: the type of the result, and the types of the arguments.
FUNCTIONS: Dict[str, Tuple[Any, List[Any]]] = {
    "cohort_phase_barrier_create": (cohort_status_t, [cohort_runtime_t, c_uint32, POINTER(cohort_phase_barrier_t)]),
    "cohort_phase_barrier_destroy": (cohort_status_t, [POINTER(cohort_phase_barrier_t)]),
    "cohort_phase_barrier_advance": (cohort_status_t, [cohort_phase_barrier_t, POINTER(cohort_phase_barrier_t)]),
    "cohort_phase_barrier_arrive": (cohort_status_t, [cohort_phase_barrier_t, c_uint32]),
    "cohort_phase_barrier_wait": (cohort_status_t, [cohort_context_t, cohort_phase_barrier_t]),
    "cohort_phase_barrier_test": (cohort_status_t, [cohort_phase_barrier_t, POINTER(c_bool)]),
    "cohort_phase_barrier_alter_arrivals": (cohort_status_t, [cohort_phase_barrier_t, c_int32]),
    "cohort_collective_create": (cohort_status_t, [cohort_runtime_t, c_uint32, cohort_reduction_t, cohort_type_t, POINTER(cohort_collective_t)]),
    "cohort_collective_destroy": (cohort_status_t, [POINTER(cohort_collective_t)]),
    "cohort_collective_advance": (cohort_status_t, [cohort_collective_t, POINTER(cohort_collective_t)]),
    "cohort_collective_arrive": (cohort_status_t, [cohort_collective_t, c_void_p]),
    "cohort_collective_arrive_future": (cohort_status_t, [cohort_context_t, cohort_collective_t, cohort_future_t]),
    "cohort_collective_future": (cohort_status_t, [cohort_context_t, cohort_collective_t, POINTER(cohort_future_t)]),
    "cohort_task_kernel": (cohort_status_t, [cohort_task_t, POINTER(cohort_kernel_t)]),
    "cohort_task_device_callback": (cohort_status_t, [cohort_task_t, cohort_device_api_t, cohort_device_function_t, c_void_p]),
    "cohort_view_device": (cohort_status_t, [cohort_context_t, c_uint32, cohort_field_t, cohort_privilege_t, POINTER(cohort_device_view_t)]),
    "cohort_must_epoch": (cohort_status_t, [cohort_context_t, c_uint32, POINTER(cohort_launch_t), POINTER(c_uint32)]),
    "cohort_must_epoch_wait": (cohort_status_t, [cohort_context_t]),
    "cohort_attach_array": (cohort_status_t, [cohort_context_t, cohort_region_t, c_uint32, POINTER(cohort_field_t), c_void_p, c_size_t, c_int32, POINTER(c_int64), POINTER(c_int64), c_int32]),
    "cohort_argument_error": (cohort_status_t, [c_char_p, c_char_p]),
    "cohort_fields_kept": (POINTER(cohort_field_t), [c_uint32, POINTER(cohort_field_t)]),
    "cohort_collective_arrive_bytes": (cohort_status_t, [cohort_collective_t, c_void_p, c_size_t]),
    "cohort_view_array": (cohort_status_t, [cohort_context_t, c_uint32, cohort_field_t, cohort_privilege_t, c_int32, c_size_t, POINTER(cohort_view_t)]),
    "cohort_future_map_count": (cohort_status_t, [cohort_future_map_t, POINTER(c_uint32)]),
    "cohort_future_map_get": (cohort_status_t, [cohort_future_map_t, c_uint32, c_void_p, c_size_t]),
    "cohort_future_map_future": (cohort_status_t, [cohort_future_map_t, c_uint32, POINTER(cohort_future_t)]),
    "cohort_future_map_wait": (cohort_status_t, [cohort_future_map_t]),
    "cohort_future_map_reduce": (cohort_status_t, [cohort_context_t, cohort_future_map_t, cohort_reduction_t, cohort_type_t, POINTER(cohort_future_t)]),
    "cohort_future_map_destroy": (cohort_status_t, [POINTER(cohort_future_map_t)]),
    "cohort_future_get": (cohort_status_t, [cohort_future_t, c_void_p, c_size_t]),
    "cohort_future_test": (cohort_status_t, [cohort_future_t, POINTER(c_bool)]),
    "cohort_future_destroy": (cohort_status_t, [POINTER(cohort_future_t)]),
    "cohort_future_value": (cohort_status_t, [cohort_runtime_t, c_void_p, c_size_t, POINTER(cohort_future_t)]),
    "cohort_task_future_get": (cohort_status_t, [cohort_context_t, c_uint32, c_void_p, c_size_t]),
    "cohort_task_future": (cohort_status_t, [cohort_context_t, c_uint32, POINTER(c_void_p), POINTER(c_size_t)]),
    "cohort_task_result": (cohort_status_t, [cohort_context_t, c_void_p, c_size_t]),
    "cohort_ghost_create": (cohort_status_t, [cohort_runtime_t, cohort_index_space_t, cohort_field_space_t, POINTER(cohort_region_t)]),
    "cohort_ghost_export": (cohort_status_t, [cohort_region_t, POINTER(cohort_ghost_t)]),
    "cohort_ghost_import": (cohort_status_t, [cohort_runtime_t, POINTER(cohort_ghost_t), POINTER(cohort_region_t)]),
    "cohort_copy": (cohort_status_t, [cohort_context_t, POINTER(cohort_copy_t)]),
    "cohort_acquire": (cohort_status_t, [cohort_context_t, POINTER(cohort_sync_t)]),
    "cohort_release": (cohort_status_t, [cohort_context_t, POINTER(cohort_sync_t)]),
    "cohort_halo_create": (cohort_status_t, [cohort_runtime_t, POINTER(cohort_halo_options_t), POINTER(cohort_halo_t)]),
    "cohort_halo_create_fortran": (cohort_status_t, [cohort_runtime_t, c_int32, POINTER(cohort_halo_options_t), POINTER(cohort_halo_t)]),
    "cohort_halo_exchange": (cohort_status_t, [cohort_context_t, cohort_halo_t, cohort_region_t, c_uint32, POINTER(cohort_field_t), POINTER(c_uint32)]),
    "cohort_halo_release": (cohort_status_t, [cohort_context_t, cohort_halo_t, c_uint32, POINTER(c_uint32)]),
    "cohort_halo_region": (cohort_status_t, [cohort_halo_t, c_uint32, POINTER(cohort_region_t)]),
    "cohort_halo_destroy": (cohort_status_t, [POINTER(cohort_halo_t)]),
    "cohort_handshake_create": (cohort_status_t, [cohort_runtime_t, c_uint32, c_uint32, cohort_side_t, POINTER(cohort_handshake_t)]),
    "cohort_handshake_destroy": (cohort_status_t, [POINTER(cohort_handshake_t)]),
    "cohort_handoff_to_tasks": (cohort_status_t, [cohort_handshake_t]),
    "cohort_wait_on_tasks": (cohort_status_t, [cohort_handshake_t]),
    "cohort_wait_on_tasks_for": (cohort_status_t, [cohort_handshake_t, c_double]),
    "cohort_test_on_tasks": (cohort_status_t, [cohort_handshake_t, POINTER(c_bool)]),
    "cohort_handoff_to_host": (cohort_status_t, [cohort_context_t, cohort_handshake_t]),
    "cohort_wait_on_host": (cohort_status_t, [cohort_context_t, cohort_handshake_t]),
    "cohort_wait_on_host_for": (cohort_status_t, [cohort_context_t, cohort_handshake_t, c_double]),
    "cohort_test_on_host": (cohort_status_t, [cohort_context_t, cohort_handshake_t, POINTER(c_bool)]),
    "cohort_handshake_advance": (cohort_status_t, [cohort_context_t, cohort_handshake_t]),
    "cohort_inline_map": (cohort_status_t, [cohort_context_t, POINTER(cohort_requirement_t), POINTER(cohort_mapping_t)]),
    "cohort_inline_view": (cohort_status_t, [cohort_mapping_t, cohort_field_t, cohort_privilege_t, POINTER(cohort_view_t)]),
    "cohort_inline_view_array": (cohort_status_t, [cohort_mapping_t, cohort_field_t, cohort_privilege_t, c_int32, c_size_t, POINTER(cohort_view_t)]),
    "cohort_inline_unmap": (cohort_status_t, [POINTER(cohort_mapping_t)]),
    "cohort_launch": (cohort_status_t, [cohort_context_t, POINTER(cohort_launch_t), POINTER(cohort_future_t)]),
    "cohort_index_launch": (cohort_status_t, [cohort_context_t, POINTER(cohort_launch_t), c_uint32, cohort_reduction_t, cohort_type_t, POINTER(cohort_future_t)]),
    "cohort_index_launch_map": (cohort_status_t, [cohort_context_t, POINTER(cohort_launch_t), c_uint32, POINTER(cohort_future_map_t)]),
    "cohort_wait_all": (cohort_status_t, [cohort_context_t]),
    "cohort_region_layout": (cohort_status_t, [cohort_region_t, c_uint32, POINTER(cohort_field_t), POINTER(cohort_layout_t)]),
    "cohort_region_zero_copy": (cohort_status_t, [cohort_region_t, c_uint32, POINTER(cohort_field_t)]),
    "cohort_task_layout": (cohort_status_t, [cohort_task_t, cohort_processor_t, c_uint32, POINTER(cohort_layout_t)]),
    "cohort_task_copied": (cohort_status_t, [cohort_context_t, c_uint32, POINTER(cohort_copied_t)]),
    "cohort_task_copied_total": (cohort_status_t, [cohort_task_t, POINTER(cohort_copied_t)]),
    "cohort_machine_processors": (cohort_status_t, [cohort_runtime_t, c_int32, c_uint32, POINTER(cohort_processor_info_t), POINTER(c_uint32)]),
    "cohort_machine_memories": (cohort_status_t, [cohort_runtime_t, cohort_memory_t, c_uint32, POINTER(cohort_memory_info_t), POINTER(c_uint32)]),
    "cohort_machine_affinity": (cohort_status_t, [cohort_runtime_t, c_int32, c_int32, POINTER(cohort_affinity_t)]),
    "cohort_machine_ranks": (cohort_status_t, [cohort_runtime_t, c_uint32, POINTER(cohort_rank_info_t), POINTER(c_uint32)]),
    "cohort_machine_absent_devices": (cohort_status_t, [cohort_runtime_t, POINTER(c_char_p)]),
    "cohort_machine_binding": (cohort_status_t, [cohort_runtime_t, POINTER(c_char_p)]),
    "cohort_mapper_register": (cohort_status_t, [cohort_runtime_t, POINTER(cohort_mapper_t), c_char_p, POINTER(cohort_mapper_handle_t)]),
    "cohort_mapper_use": (cohort_status_t, [cohort_mapper_handle_t, POINTER(cohort_task_t), c_uint32]),
    "cohort_mapper_refusals": (cohort_status_t, [cohort_mapper_handle_t, POINTER(c_uint64), c_char_p, c_size_t]),
    "cohort_tunable": (cohort_status_t, [cohort_context_t, c_char_p, c_int64, POINTER(c_int64)]),
    "cohort_partition_blocks": (cohort_status_t, [cohort_region_t, POINTER(c_int64), POINTER(cohort_partition_t)]),
    "cohort_partition_rects": (cohort_status_t, [cohort_region_t, c_uint32, POINTER(c_int64), POINTER(c_int64), POINTER(cohort_partition_t)]),
    "cohort_partition_tiles_halo": (cohort_status_t, [cohort_partition_t, POINTER(c_int64), POINTER(cohort_partition_t)]),
    "cohort_partition_equal": (cohort_status_t, [cohort_region_t, c_uint32, POINTER(cohort_partition_t)]),
    "cohort_partition_restriction": (cohort_status_t, [cohort_region_t, c_int32, POINTER(c_int64), POINTER(c_int64), POINTER(c_int64), POINTER(c_int64), POINTER(c_int64), POINTER(cohort_partition_t)]),
    "cohort_partition_by_field": (cohort_status_t, [cohort_context_t, cohort_region_t, cohort_field_t, c_uint32, POINTER(cohort_partition_t)]),
    "cohort_partition_image": (cohort_status_t, [cohort_context_t, cohort_region_t, cohort_partition_t, cohort_field_t, POINTER(cohort_partition_t)]),
    "cohort_partition_image_range": (cohort_status_t, [cohort_context_t, cohort_region_t, cohort_partition_t, cohort_field_t, POINTER(cohort_partition_t)]),
    "cohort_partition_preimage": (cohort_status_t, [cohort_context_t, cohort_region_t, cohort_partition_t, cohort_field_t, POINTER(cohort_partition_t)]),
    "cohort_partition_preimage_range": (cohort_status_t, [cohort_context_t, cohort_region_t, cohort_partition_t, cohort_field_t, POINTER(cohort_partition_t)]),
    "cohort_partition_union": (cohort_status_t, [cohort_region_t, cohort_partition_t, cohort_partition_t, POINTER(cohort_partition_t)]),
    "cohort_partition_intersection": (cohort_status_t, [cohort_region_t, cohort_partition_t, cohort_partition_t, POINTER(cohort_partition_t)]),
    "cohort_partition_difference": (cohort_status_t, [cohort_region_t, cohort_partition_t, cohort_partition_t, POINTER(cohort_partition_t)]),
    "cohort_partition_cross_product": (cohort_status_t, [cohort_partition_t, cohort_partition_t, POINTER(cohort_partition_t)]),
    "cohort_partition_kind": (cohort_status_t, [cohort_partition_t, POINTER(c_bool), POINTER(c_bool)]),
    "cohort_partition_count": (cohort_status_t, [cohort_partition_t, POINTER(c_uint32)]),
    "cohort_subregion": (cohort_status_t, [cohort_partition_t, c_uint32, POINTER(cohort_region_t)]),
    "cohort_partition_destroy": (cohort_status_t, [POINTER(cohort_partition_t)]),
    "cohort_predicate_constant": (cohort_status_t, [cohort_runtime_t, c_bool, POINTER(cohort_predicate_t)]),
    "cohort_predicate_from_future": (cohort_status_t, [cohort_future_t, POINTER(cohort_predicate_t)]),
    "cohort_predicate_not": (cohort_status_t, [cohort_predicate_t, POINTER(cohort_predicate_t)]),
    "cohort_predicate_and": (cohort_status_t, [cohort_context_t, c_uint32, POINTER(cohort_predicate_t), POINTER(cohort_predicate_t)]),
    "cohort_predicate_or": (cohort_status_t, [cohort_context_t, c_uint32, POINTER(cohort_predicate_t), POINTER(cohort_predicate_t)]),
    "cohort_predicate_destroy": (cohort_status_t, [POINTER(cohort_predicate_t)]),
    "cohort_projection_register": (cohort_status_t, [cohort_runtime_t, c_char_p, cohort_projection_function_t, c_void_p, POINTER(cohort_projection_t)]),
    "cohort_reduction_register": (cohort_status_t, [cohort_runtime_t, c_char_p, c_size_t, c_void_p, cohort_fold_function_t, c_void_p, POINTER(cohort_reduction_t)]),
    "cohort_index_space_create": (cohort_status_t, [cohort_runtime_t, c_int32, POINTER(c_int64), POINTER(c_int64), POINTER(cohort_index_space_t)]),
    "cohort_index_space_create_rects": (cohort_status_t, [cohort_runtime_t, c_int32, c_uint32, POINTER(c_int64), POINTER(c_int64), POINTER(cohort_index_space_t)]),
    "cohort_index_space_destroy": (cohort_status_t, [POINTER(cohort_index_space_t)]),
    "cohort_field_space_create": (cohort_status_t, [cohort_runtime_t, POINTER(cohort_field_space_t)]),
    "cohort_field_space_destroy": (cohort_status_t, [POINTER(cohort_field_space_t)]),
    "cohort_field_allocate": (cohort_status_t, [cohort_field_space_t, c_size_t, c_char_p, POINTER(cohort_field_t)]),
    "cohort_fields_allocate": (cohort_status_t, [cohort_field_space_t, c_size_t, c_uint32, POINTER(cohort_field_t)]),
    "cohort_region_create": (cohort_status_t, [cohort_runtime_t, cohort_index_space_t, cohort_field_space_t, POINTER(cohort_region_t)]),
    "cohort_region_destroy": (cohort_status_t, [POINTER(cohort_region_t)]),
    "cohort_region_bounds": (cohort_status_t, [cohort_region_t, POINTER(c_int32), POINTER(c_int64), POINTER(c_int64)]),
    "cohort_region_points": (cohort_status_t, [cohort_region_t, POINTER(c_int64), POINTER(c_uint32)]),
    "cohort_region_rects": (cohort_status_t, [cohort_region_t, c_uint32, POINTER(c_int64), POINTER(c_int64)]),
    "cohort_attach": (cohort_status_t, [cohort_context_t, cohort_region_t, c_uint32, POINTER(cohort_field_t), c_void_p, POINTER(c_int64), c_int64]),
    "cohort_detach": (cohort_status_t, [cohort_context_t, cohort_region_t, c_uint32, POINTER(cohort_field_t)]),
    "cohort_fill": (cohort_status_t, [cohort_context_t, cohort_region_t, c_uint32, POINTER(cohort_field_t), c_void_p, c_size_t]),
    "cohort_check_abi": (cohort_status_t, [c_uint32]),
    "cohort_init_version": (cohort_status_t, [c_uint32, POINTER(cohort_config_t), POINTER(cohort_runtime_t)]),
    "cohort_init_communicator": (cohort_status_t, [c_uint32, c_int32, c_int32, POINTER(cohort_config_t), POINTER(cohort_runtime_t)]),
    "cohort_init_fortran": (cohort_status_t, [c_uint32, c_int32, POINTER(cohort_config_t), POINTER(cohort_runtime_t)]),
    "cohort_finalize": (cohort_status_t, [POINTER(cohort_runtime_t)]),
    "cohort_release_at_end": (cohort_status_t, [c_void_p, cohort_release_function_t]),
    "cohort_current": (cohort_status_t, [POINTER(cohort_runtime_t)]),
    "cohort_rank": (cohort_status_t, [cohort_runtime_t, POINTER(c_int32)]),
    "cohort_size": (cohort_status_t, [cohort_runtime_t, POINTER(c_int32)]),
    "cohort_workers": (cohort_status_t, [cohort_runtime_t, POINTER(c_int32)]),
    "cohort_root_context": (cohort_status_t, [cohort_runtime_t, POINTER(cohort_context_t)]),
    "cohort_last_error": (c_char_p, []),
    "cohort_status_name": (c_char_p, [cohort_status_t]),
    "cohort_version": (c_uint32, []),
    "cohort_set_on_error": (cohort_status_t, [c_int32]),
    "cohort_task_register": (cohort_status_t, [cohort_runtime_t, c_char_p, cohort_task_function_t, c_void_p, c_uint32, POINTER(cohort_task_t)]),
    "cohort_task_variant": (cohort_status_t, [cohort_task_t, cohort_processor_t, cohort_task_function_t, c_void_p]),
    "cohort_task_args": (cohort_status_t, [cohort_context_t, POINTER(c_void_p), POINTER(c_size_t)]),
    "cohort_task_args_get": (cohort_status_t, [cohort_context_t, c_void_p, c_size_t]),
    "cohort_task_point": (cohort_status_t, [cohort_context_t, POINTER(c_uint32)]),
    "cohort_task_fail": (cohort_status_t, [cohort_context_t, c_char_p]),
    "cohort_task_region": (cohort_status_t, [cohort_context_t, c_uint32, POINTER(cohort_region_t)]),
    "cohort_view": (cohort_status_t, [cohort_context_t, c_uint32, cohort_field_t, cohort_privilege_t, POINTER(cohort_view_t)]),
}

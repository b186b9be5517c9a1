!> The machine: processors and memories of this rank, how fast one reaches the other, and where the ranks are. Lists are empty
!> after an error.
module cohort_machine
  use, intrinsic :: iso_c_binding
  use cohort_types
  use cohort_c
  use cohort_support, only: finish, fortran_text
  implicit none
  private
  public :: cohort_machine_processors, cohort_machine_memories, cohort_machine_affinity, cohort_machine_ranks
  public :: cohort_machine_binding, cohort_machine_absent_devices, cohort_processor_name

contains

  !> The processors of this rank, of one kind if `kind` is given. Any thread.
  subroutine cohort_machine_processors(rt, processors, kind, ierr)
    type(cohort_runtime), intent(in) :: rt
    type(cohort_processor_info), allocatable, intent(out) :: processors(:)
    integer, intent(in), optional :: kind
    integer, intent(out), optional :: ierr
    integer(c_int32_t) :: status, count
    type(cohort_processor_info) :: one(1)
    count = 0
    status = cohort_c_machine_processors(rt, given(kind), 0_c_int32_t, one, count)
    allocate (processors(count))
    processors%size = c_sizeof(one(1))
    if (status == COHORT_OK) status = cohort_c_machine_processors(rt, given(kind), count, processors, count)
    call finish(status, ierr)
  end subroutine

  !> The memories that this rank can use, of one kind if `kind` is given. Any thread.
  subroutine cohort_machine_memories(rt, memories, kind, ierr)
    type(cohort_runtime), intent(in) :: rt
    type(cohort_memory_info), allocatable, intent(out) :: memories(:)
    integer, intent(in), optional :: kind
    integer, intent(out), optional :: ierr
    integer(c_int32_t) :: status, count
    type(cohort_memory_info) :: one(1)
    count = 0
    status = cohort_c_machine_memories(rt, given(kind), 0_c_int32_t, one, count)
    allocate (memories(count))
    memories%size = c_sizeof(one(1))
    if (status == COHORT_OK) status = cohort_c_machine_memories(rt, given(kind), count, memories, count)
    call finish(status, ierr)
  end subroutine

  !> Where the ranks are, in order of rank: ranks(i) is rank i-1. Any thread.
  subroutine cohort_machine_ranks(rt, ranks, ierr)
    type(cohort_runtime), intent(in) :: rt
    type(cohort_rank_info), allocatable, intent(out) :: ranks(:)
    integer, intent(out), optional :: ierr
    integer(c_int32_t) :: status, count
    type(cohort_rank_info) :: one(1)
    count = 0
    status = cohort_c_machine_ranks(rt, 0_c_int32_t, one, count)
    allocate (ranks(count))
    ranks%size = c_sizeof(one(1))
    if (status == COHORT_OK) status = cohort_c_machine_ranks(rt, count, ranks, count)
    call finish(status, ierr)
  end subroutine

  !> How fast a processor reaches a memory, both by their numbers. Measured when it is first asked for, which takes some tens of
  !> milliseconds, and kept. Any thread.
  subroutine cohort_machine_affinity(rt, processor, memory, affinity, ierr)
    type(cohort_runtime), intent(in) :: rt
    integer, intent(in) :: processor, memory
    type(cohort_affinity), intent(out) :: affinity
    integer, intent(out), optional :: ierr
    affinity%size = c_sizeof(affinity)
    call finish(cohort_c_machine_affinity(rt, int(processor, c_int32_t), int(memory, c_int32_t), affinity), ierr)
  end subroutine

  !> How many workers this rank has and on which processors they run, in words. Any thread.
  subroutine cohort_machine_binding(rt, text, ierr)
    type(cohort_runtime), intent(in) :: rt
    character(len=:), allocatable, intent(out) :: text
    integer, intent(out), optional :: ierr
    integer(c_int32_t) :: status
    type(c_ptr) :: address
    address = c_null_ptr
    status = cohort_c_machine_binding(rt, address)
    text = fortran_text(address)
    call finish(status, ierr)
  end subroutine

  !> Why there are no more devices: a line for each driver or device that could not be used. Any thread.
  subroutine cohort_machine_absent_devices(rt, text, ierr)
    type(cohort_runtime), intent(in) :: rt
    character(len=:), allocatable, intent(out) :: text
    integer, intent(out), optional :: ierr
    integer(c_int32_t) :: status
    type(c_ptr) :: address
    address = c_null_ptr
    status = cohort_c_machine_absent_devices(rt, address)
    text = fortran_text(address)
    call finish(status, ierr)
  end subroutine

  !> The name of a device in the list of processors; empty for other processors.
  subroutine cohort_processor_name(processor, name)
    type(cohort_processor_info), intent(in) :: processor
    character(len=:), allocatable, intent(out) :: name
    name = fortran_text(processor%name)
  end subroutine

  !> The kind asked for; every kind is 0.
  pure integer(c_int32_t) function given(kind)
    integer, intent(in), optional :: kind
    given = 0
    if (present(kind)) given = int(kind, c_int32_t)
  end function
end module cohort_machine

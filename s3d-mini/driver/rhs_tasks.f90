!> The right-hand side the S3D way: one long-running task a rank, in a must epoch, launches the kernels whenever the MPI code hands
!> over; the MPI code keeps the Runge-Kutta loop and runs tasks while it waits. Faces travel in tasks that are mapped to the MPI
!> thread.
module rhs_tasks
  use mpi_f08, only: MPI_Comm
  use cohort
  use block, only: block_t
  use flow, only: flow_t
  use rhs_method, only: rhs_method_t
  use tile_tasks
  implicit none
  private
  public :: rhs_tasks_t

  type, extends(rhs_method_t) :: rhs_tasks_t
  contains
    procedure :: create, compute, destroy
  end type

  !> Shared with the long-running task. `stopping` is written before a hand-over and read after it.
  type(cohort_runtime), save :: rt
  type(cohort_handshake), save :: handshake
  type(cohort_task), save :: start_task, finish_task, exchange_task, handoff_task
  logical, save :: stopping = .false.

contains

  subroutine create(this, f, b, cart, tile, q, prim, p, rhs)
    class(rhs_tasks_t), intent(inout) :: this
    type(flow_t), intent(in), target :: f
    type(block_t), intent(in), target :: b
    type(MPI_Comm), intent(in) :: cart
    integer, intent(in) :: tile(2)
    real(8), intent(inout), target, contiguous :: q(:, :), prim(:, :), p(:), rhs(:, :)
    call arrays_create(f, b, cart, tile, q, prim, p, rhs)
    call cohort_init(rt, cart)
    call tasks_register(rt)
    call register_on_mpi_thread('start faces', start_task, start_body)
    call register_on_mpi_thread('finish faces', finish_task, finish_body)
    call register_on_mpi_thread('exchange fluxes', exchange_task, exchange_body)
    call cohort_task_register(rt, 'handoff', handoff_task, handoff_body, leaf=.true.)
    call cohort_handshake_create(rt, handshake)
    stopping = .false.
    call cohort_must_epoch(rt, rank_main)
  end subroutine

  subroutine register_on_mpi_thread(name, task, body)
    character(*), intent(in) :: name
    type(cohort_task), intent(out) :: task
    procedure(cohort_task_body) :: body
    call cohort_task_register(rt, name, task, body, leaf=.true.)
    call cohort_task_variant(task, COHORT_PROC_MPI, body)
  end subroutine

  subroutine compute(this)
    class(rhs_tasks_t), intent(inout) :: this
    call cohort_handoff_to_tasks(handshake)
    call cohort_wait_on_tasks(handshake)
  end subroutine

  subroutine destroy(this)
    class(rhs_tasks_t), intent(inout) :: this
    stopping = .true.
    call cohort_handoff_to_tasks(handshake)
    call cohort_wait_on_tasks(handshake)
    call cohort_finalize(rt)
    call arrays_destroy()
  end subroutine

  recursive subroutine rank_main(task)
    type(cohort_context), intent(in) :: task
    call regions_create(rt)
    do
      call cohort_wait_on_host(task, handshake)
      if (stopping) exit
      call launch_primitives(task)
      call cohort_launch(task, start_task, [cohort_needs(block_region, field([primitives]), COHORT_READ_ONLY), &
                                            cohort_needs(block_region, field([primitive_faces]), COHORT_READ_WRITE)], &
                         processor=COHORT_PROC_MPI)
      call launch_chemistry(task)
      ! Reads the source so that the MPI thread computes chemistry while faces travel, instead of waiting for them at once.
      call cohort_launch(task, finish_task, [cohort_needs(block_region, field([source]), COHORT_READ_ONLY), &
                                             cohort_needs(block_region, field([primitive_faces]), COHORT_READ_WRITE)], &
                         processor=COHORT_PROC_MPI)
      call launch_fluxes(task)
      call cohort_launch(task, exchange_task, [cohort_needs(block_region, field([flux]), COHORT_READ_ONLY), &
                                               cohort_needs(block_region, field([flux_faces]), COHORT_READ_WRITE)], &
                         processor=COHORT_PROC_MPI)
      call launch_divergence(task)
      call cohort_launch(task, handoff_task, [cohort_needs(block_region, field([source]), COHORT_READ_ONLY)], &
                         arrive_handshakes=[handshake])
      call cohort_handshake_advance(task, handshake)
    end do
    call cohort_handoff_to_host(task, handshake)
  end subroutine

  recursive subroutine start_body(task)
    type(cohort_context), intent(in) :: task
    if (task%id /= 0) call start_primitive_faces()
  end subroutine

  recursive subroutine finish_body(task)
    type(cohort_context), intent(in) :: task
    if (task%id /= 0) call finish_primitive_faces()
  end subroutine

  recursive subroutine exchange_body(task)
    type(cohort_context), intent(in) :: task
    if (task%id /= 0) call exchange_flux_faces()
  end subroutine

  !> Orders only: the result lies in the Fortran array already.
  recursive subroutine handoff_body(task)
    type(cohort_context), intent(in) :: task
    if (task%id == 0) call cohort_task_fail(task, 'a task without a context')
  end subroutine
end module

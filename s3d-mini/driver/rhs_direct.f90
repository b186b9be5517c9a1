!> The right-hand side as tasks launched from the MPI thread, which exchanges faces between them as rhs_mpi does.
module rhs_direct
  use mpi_f08, only: MPI_Comm
  use cohort
  use block, only: block_t
  use flow, only: flow_t
  use rhs_method, only: rhs_method_t
  use tile_tasks
  implicit none
  private
  public :: rhs_direct_t

  type, extends(rhs_method_t) :: rhs_direct_t
    type(cohort_runtime) :: rt
    type(cohort_context) :: root
  contains
    procedure :: create, compute, destroy
  end type

contains

  subroutine create(this, f, b, cart, tile, q, prim, p, rhs)
    class(rhs_direct_t), intent(inout) :: this
    type(flow_t), intent(in), target :: f
    type(block_t), intent(in), target :: b
    type(MPI_Comm), intent(in) :: cart
    integer, intent(in) :: tile(2)
    real(8), intent(inout), target, contiguous :: q(:, :), prim(:, :), p(:), rhs(:, :)
    call arrays_create(f, b, cart, tile, q, prim, p, rhs)
    call cohort_init(this%rt, cart)
    call cohort_root_context(this%rt, this%root)
    call tasks_register(this%rt)
    call regions_create(this%rt)
  end subroutine

  !> Chemistry runs while the faces of the primitive fields travel.
  subroutine compute(this)
    class(rhs_direct_t), intent(inout) :: this
    call launch_primitives(this%root)
    call cohort_wait_all(this%root)
    call start_primitive_faces()
    call launch_chemistry(this%root)
    call finish_primitive_faces()
    call launch_fluxes(this%root)
    call cohort_wait_all(this%root)
    call exchange_flux_faces()
    call launch_divergence(this%root)
    call cohort_wait_all(this%root)
  end subroutine

  subroutine destroy(this)
    class(rhs_direct_t), intent(inout) :: this
    call cohort_finalize(this%rt)
    call arrays_destroy()
  end subroutine
end module

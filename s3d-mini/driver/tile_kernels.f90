!> The kernels of a right-hand side as variants for devices.
module tile_kernels
  use cohort, only: cohort_task, cohort_task_kernel
  use device_source, only: kernel_name, kernel_source
  use flow, only: flow_t
  implicit none
  private
  public :: kernels_register

  !> Work items of a group: rows along x for whole lines of memory, a few beside each other for neighbours that meet in the cache.
  integer, parameter :: block(3) = [32, 4, 1]

contains

  !> `task`: those of primitives, chemistry, fluxes, divergence and update.
  subroutine kernels_register(f, task)
    type(flow_t), intent(in) :: f
    type(cohort_task), intent(in) :: task(size(kernel_name))
    character(:), allocatable :: name
    integer :: kind
    do kind = 1, size(task)
      name = trim(kernel_name(kind))
      call cohort_task_kernel(task(kind), name, source=kernel_source(f, name), file=name//'.c', block=block)
    end do
  end subroutine
end module

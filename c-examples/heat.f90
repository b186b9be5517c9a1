! The physics of examples 06 and 07: heat spreads in a periodic box, of which each rank has a block of n**3 points. A cosine in
! each direction decays by the same factor in every step, which the check knows.
module heat
  use mpi_f08
  use cohort
  implicit none
  integer, parameter :: n = 16, steps = 50
  real(8), parameter :: rate = 0.1d0, turn = 6.283185307179586d0
  integer :: blocks(3) = 0, place(3)                    ! how many blocks in each direction, and which is this rank's
  real(8), allocatable, target :: temperature(:, :, :, :)   ! before and after a step, in turns
  integer(4) :: fields(2)
contains
  !> One step. Requirements: the block before, the block after, then the six ghost regions in the order of the faces, field 0 of
  !> each. The argument says which of the block's fields is the one before.
  recursive subroutine heat_step(task)
    type(cohort_context), intent(in) :: task
    real(8) :: q(0:n + 1, 0:n + 1, 0:n + 1)
    real(8), pointer :: from(:, :, :), to(:, :, :)
    integer :: before, face
    call cohort_task_args(task, before)
    call cohort_view(task, 1, fields(before), COHORT_READ_ONLY, from)
    q(1:n, 1:n, 1:n) = from
    do face = 1, 6
      call cohort_view(task, 2 + face, 0, COHORT_READ_ONLY, from)
      q(lbound(from, 1):ubound(from, 1), lbound(from, 2):ubound(from, 2), lbound(from, 3):ubound(from, 3)) = from
    end do
    call cohort_view(task, 2, fields(3 - before), COHORT_WRITE_DISCARD, to)
    to = q(1:n, 1:n, 1:n) + rate*(q(0:n - 1, 1:n, 1:n) + q(2:, 1:n, 1:n) + q(1:n, 0:n - 1, 1:n) + q(1:n, 2:, 1:n) &
                                  + q(1:n, 1:n, 0:n - 1) + q(1:n, 1:n, 2:) - 6*q(1:n, 1:n, 1:n))
  end subroutine

  !> Along direction d of this rank's block.
  pure function cosine(d)
    integer, intent(in) :: d
    real(8) :: cosine(n)
    integer :: i
    cosine = [(cos(turn*(place(d)*n + i)/(blocks(d)*n)), i=1, n)]
  end function

  !> The product of the three cosines.
  pure function cosines()
    real(8) :: cosines(n, n, n)
    integer :: j, k
    associate (x => cosine(1), y => cosine(2), z => cosine(3))
      do k = 1, n
        do j = 1, n
          cosines(:, j, k) = x*y(j)*z(k)
        end do
      end do
    end associate
  end function

  !> Splits the box over the ranks, and makes the block's region, whose storage is `temperature`.
  subroutine heat_begin(rt, ctx, cart, block)
    type(cohort_runtime), intent(in) :: rt
    type(cohort_context), intent(in) :: ctx
    type(MPI_Comm), intent(out) :: cart
    type(cohort_region), intent(out) :: block
    type(cohort_index_space) :: points
    type(cohort_field_space) :: field_space
    integer :: rank, ranks
    call MPI_Comm_size(MPI_COMM_WORLD, ranks)
    call MPI_Dims_create(ranks, 3, blocks)
    call MPI_Cart_create(MPI_COMM_WORLD, 3, blocks, [.true., .true., .true.], .false., cart)
    call MPI_Comm_rank(cart, rank)
    call MPI_Cart_coords(cart, rank, 3, place)
    allocate (temperature(n, n, n, 2))
    temperature(:, :, :, 1) = cosines()
    call cohort_index_space_create(rt, [1, 1, 1], [n, n, n], points)
    call cohort_field_space_create(rt, field_space)
    call cohort_fields_allocate(field_space, 8, fields)
    call cohort_region_create(rt, points, field_space, block)
    call cohort_attach(ctx, block, fields, temperature, field_dimension=4)
  end subroutine

  !> Launches a step that reads field number `before` of the block.
  subroutine heat_launch(ctx, step_task, block, ghost, before)
    type(cohort_context), intent(in) :: ctx
    type(cohort_task), intent(in) :: step_task
    type(cohort_region), intent(in) :: block, ghost(6)
    integer, intent(in) :: before
    integer :: face
    call cohort_launch(ctx, step_task, [cohort_needs(block, [fields(before)], COHORT_READ_ONLY), &
      cohort_needs(block, [fields(3 - before)], COHORT_WRITE_DISCARD), &
      (cohort_needs(ghost(face), [0], COHORT_READ_ONLY, coherence=COHORT_SIMULTANEOUS), face=1, 6)], args=before)
  end subroutine

  !> Compares the temperature after the last step with the decayed cosines.
  subroutine heat_check()
    real(8) :: factor
    factor = 1 + 2*rate*sum(cos(turn/(blocks*n)) - 1)
    if (maxval(abs(temperature(:, :, :, 1 + mod(steps, 2)) - factor**steps*cosines())) > 1d-12) error stop 'FAILED'
  end subroutine
end module

!> What the check programs share: values against their limits, and a verdict that the exit status carries.
module checks
  use mpi_f08
  implicit none
  private
  public :: require_below, require_above, require_near, verdict

  logical :: good = .true.

contains

  subroutine require_below(what, value, limit)
    character(*), intent(in) :: what
    real(8), intent(in) :: value, limit
    call tell(what, value, 'at most', limit, value <= limit)
  end subroutine

  subroutine require_above(what, value, limit)
    character(*), intent(in) :: what
    real(8), intent(in) :: value, limit
    call tell(what, value, 'at least', limit, value >= limit)
  end subroutine

  !> A published error, of so many significant digits, must be met: value may exceed it by its rounding.
  subroutine require_near(what, value, published, digits)
    character(*), intent(in) :: what
    real(8), intent(in) :: value, published
    integer, intent(in) :: digits
    real(8) :: rounding
    rounding = 0.5d0*10d0**(floor(log10(published)) - digits + 1)
    call tell(what, value, 'within rounding or below', published, value <= published + rounding)
  end subroutine

  subroutine tell(what, value, relation, limit, holds)
    character(*), intent(in) :: what, relation
    real(8), intent(in) :: value, limit
    logical, intent(in) :: holds
    integer :: rank
    good = good .and. holds
    call MPI_Comm_rank(MPI_COMM_WORLD, rank)
    if (rank == 0) print '(2a,es12.4,3a,es10.2,a)', what, ': ', value, ', must be ', relation, ' ', limit, &
      merge('        ', ' FAILED ', holds)
  end subroutine

  !> Ends the program on all ranks; its status tells whether every check held on every rank.
  subroutine verdict()
    integer :: rank
    call MPI_Allreduce(MPI_IN_PLACE, good, 1, MPI_LOGICAL, MPI_LAND, MPI_COMM_WORLD)
    call MPI_Comm_rank(MPI_COMM_WORLD, rank)
    if (rank == 0) print '(a)', merge('PASSED', 'FAILED', good)
    call MPI_Finalize()
    if (.not. good) stop 1, quiet=.true.
  end subroutine
end module

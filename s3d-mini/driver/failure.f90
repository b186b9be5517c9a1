!> How a run ends early. Errors that set-up finds are texts that all ranks agree on before anybody stops, so that each appears
!> once and MPI is finalized; what breaks later on one rank alone aborts the others.
module failure
  use mpi_f08
  use complaint, only: complain
  implicit none
  private
  public :: end_if_any, end_unless, end_run, stop_with

contains

  !> Collective: when `error` is not empty on some rank, the lowest such rank says it and the program ends on all.
  subroutine end_if_any(error)
    character(*), intent(in) :: error
    integer :: rank, speaker, ranks
    call MPI_Comm_rank(MPI_COMM_WORLD, rank)
    call MPI_Comm_size(MPI_COMM_WORLD, ranks)
    speaker = merge(ranks, rank, error == '')
    call MPI_Allreduce(MPI_IN_PLACE, speaker, 1, MPI_INTEGER, MPI_MIN, MPI_COMM_WORLD)
    if (speaker == ranks) return
    if (rank == speaker) call complain(error)
    call end_run(.false.)
  end subroutine

  !> Collective: `text` ends the program where `holds` is false on some rank.
  subroutine end_unless(holds, text)
    logical, intent(in) :: holds
    character(*), intent(in) :: text
    if (holds) then
      call end_if_any('')
    else
      call end_if_any(text)
    end if
  end subroutine

  !> Collective: finalizes MPI and ends the program with status 0 or 1.
  subroutine end_run(good)
    logical, intent(in) :: good
    call MPI_Finalize()
    if (.not. good) stop 1, quiet=.true.
    stop, quiet=.true.
  end subroutine

  !> Ends the program on all ranks with a message, from any rank.
  subroutine stop_with(text)
    character(*), intent(in) :: text
    call complain(text)
    call MPI_Abort(MPI_COMM_WORLD, 1)
  end subroutine
end module

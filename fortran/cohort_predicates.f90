!> Predicates: whether launched operations do their work, decided when they are ready.
module cohort_predicates
  use, intrinsic :: iso_c_binding
  use cohort_types
  use cohort_c
  use cohort_support, only: finish
  implicit none
  private
  public :: cohort_predicate_constant, cohort_predicate_from_future, cohort_predicate_not, cohort_predicate_and, &
    cohort_predicate_or, cohort_predicate_destroy

contains

  !> A predicate that is true or false from the start.
  subroutine cohort_predicate_constant(rt, value, predicate, ierr)
    type(cohort_runtime), intent(in) :: rt
    logical, intent(in) :: value
    type(cohort_predicate), intent(out) :: predicate
    integer, intent(out), optional :: ierr
    call finish(cohort_c_predicate_constant(rt, logical(value, c_bool), predicate), ierr)
  end subroutine

  !> Holds if the future's value, a logical or an integer, is true or not 0.
  subroutine cohort_predicate_from_future(future, predicate, ierr)
    type(cohort_future), intent(in) :: future
    type(cohort_predicate), intent(out) :: predicate
    integer, intent(out), optional :: ierr
    call finish(cohort_c_predicate_from_future(future, predicate), ierr)
  end subroutine

  !> The opposite of `of`.
  subroutine cohort_predicate_not(of, predicate, ierr)
    type(cohort_predicate), intent(in) :: of
    type(cohort_predicate), intent(out) :: predicate
    integer, intent(out), optional :: ierr
    call finish(cohort_c_predicate_not(of, predicate), ierr)
  end subroutine

  !> Launches what finds out whether all of the predicates hold.
  subroutine cohort_predicate_and(ctx, predicates, predicate, ierr)
    type(cohort_context), intent(in) :: ctx
    type(cohort_predicate), intent(in) :: predicates(:)
    type(cohort_predicate), intent(out) :: predicate
    integer, intent(out), optional :: ierr
    call finish(cohort_c_predicate_and(ctx, size(predicates, kind=c_int32_t), predicates, predicate), ierr)
  end subroutine

  !> Launches what finds out whether any of the predicates holds.
  subroutine cohort_predicate_or(ctx, predicates, predicate, ierr)
    type(cohort_context), intent(in) :: ctx
    type(cohort_predicate), intent(in) :: predicates(:)
    type(cohort_predicate), intent(out) :: predicate
    integer, intent(out), optional :: ierr
    call finish(cohort_c_predicate_or(ctx, size(predicates, kind=c_int32_t), predicates, predicate), ierr)
  end subroutine

  !> Clears the handle. Operations that were given the predicate keep it.
  subroutine cohort_predicate_destroy(predicate, ierr)
    type(cohort_predicate), intent(inout) :: predicate
    integer, intent(out), optional :: ierr
    call finish(cohort_c_predicate_destroy(predicate), ierr)
  end subroutine
end module cohort_predicates

! Work that is done only if a value says so, decided by the runtime and not by the launching thread: Newton's iteration for square
! roots, launched far ahead; steps after convergence do nothing and hand the result on.
module roots
  use cohort
  implicit none
  integer, parameter :: n = 8, most_steps = 60
  integer(4) :: field(3)   ! a root, its square, and how many steps it took
contains
  recursive subroutine improve(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: root(:), square(:), steps(:)
    real(8) :: better
    logical :: far_off
    integer :: i
    call cohort_view(task, 1, field(1), COHORT_READ_WRITE, root)
    call cohort_view(task, 1, field(2), COHORT_READ_WRITE, square)
    call cohort_view(task, 1, field(3), COHORT_READ_WRITE, steps)
    far_off = .false.
    do i = lbound(root, 1), ubound(root, 1)
      better = 0.5d0*(root(i) + square(i)/root(i))
      far_off = far_off .or. abs(better - root(i)) > 1d-12*better
      root(i) = better
      steps(i) = steps(i) + 1
    end do
    call cohort_task_result(task, far_off)
  end subroutine
end module

program main
  use roots
  implicit none
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: space
  type(cohort_field_space) :: fields
  type(cohort_region) :: region
  type(cohort_task) :: task
  type(cohort_predicate) :: allowed, go_on, both
  type(cohort_future) :: far_off
  real(8), target :: q(n, 3)
  logical :: last
  integer :: i, step
  q(:, 1) = 1
  q(:, 2) = [(i*1d4, i=1, n)]
  q(:, 3) = 0
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1], [n], space)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, field)
  call cohort_region_create(rt, space, fields, region)
  do i = 1, 3
    call cohort_attach(ctx, region, field(i:i), q(:, i))
  end do
  call cohort_task_register(rt, 'improve', task, improve, leaf=.true.)

  call cohort_predicate_constant(rt, .true., allowed)   ! a switch that the program may turn, say
  call cohort_predicate_constant(rt, .true., go_on)
  do step = 1, most_steps
    call cohort_predicate_and(ctx, [allowed, go_on], both)
    ! What does not run was not far off either.
    call cohort_launch(ctx, task, [cohort_needs(region, field, COHORT_READ_WRITE)], predicate=both, false_result=.false., &
                       result=far_off)
    call cohort_predicate_destroy(both)
    call cohort_predicate_destroy(go_on)
    call cohort_predicate_from_future(far_off, go_on)
    if (step < most_steps) call cohort_future_destroy(far_off)
  end do
  call cohort_future_get(far_off, last)
  call cohort_predicate_destroy(go_on)
  call cohort_predicate_destroy(allowed)
  call cohort_detach(ctx, region, field)
  call cohort_finalize(rt)
  print '(i0, a, i0, a)', nint(q(1, 3)), ' of ', most_steps, ' steps were needed'
  if (last .or. any(abs(q(:, 1) - sqrt(q(:, 2))) > 1d-12*q(:, 1)) .or. any(q(:, 3) /= q(1, 3))) error stop 'FAILED'
  if (q(1, 3) < 5 .or. q(1, 3) > 20) error stop 'FAILED'
  print '(a)', 'PASSED'
end program

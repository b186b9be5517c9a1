! A histogram: tasks on a device count what they are given into the bins of one small region, by atomic folds within each kernel,
! and another kernel doubles the bins between, so that later contributions are folded in where the data lies.
module histogram_kernels
  use cohort
  implicit none
  character, parameter :: nl = new_line('a')
  character(len=*), parameter :: text = &
    'COHORT_KERNEL void count(COHORT_GLOBAL const double *x, cohort_extent of_x, COHORT_GLOBAL long *n, cohort_extent of_n,'//nl// &
    '                         COHORT_GLOBAL double *most, cohort_extent of_most)'//nl// &
    '{'//nl// &
    '    COHORT_POINT(of_x, i, j, k)'//nl// &
    '    const double value = COHORT_AT(x, of_x, i, j, k);'//nl// &
    '    const long bin = of_n.lo[0] + (long)value % (of_n.hi[0] - of_n.lo[0] + 1);'//nl// &
    '    cohort_atomic_sum_long(&COHORT_AT(n, of_n, bin, 0, 0), 1);'//nl// &
    '    cohort_atomic_max_double(&COHORT_AT(most, of_most, bin, 0, 0), value);'//nl// &
    '}'//nl// &
    'COHORT_KERNEL void twice(COHORT_GLOBAL long *n, cohort_extent of_n)'//nl// &
    '{'//nl// &
    '    COHORT_POINT(of_n, i, j, k)'//nl// &
    '    COHORT_AT(n, of_n, i, j, k) *= 2;'//nl// &
    '}'//nl
contains
  recursive subroutine not_here(task)
    type(cohort_context), intent(in) :: task
    call cohort_task_fail(task, 'ran on the host')
  end subroutine
end module

program main
  use histogram_kernels
  implicit none
  integer, parameter :: n = 1200, bins = 7, blocks = 4, rounds = 3
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: points, bin_points
  type(cohort_field_space) :: of_points, of_bins
  type(cohort_region) :: samples, histogram
  type(cohort_partition) :: parts
  type(cohort_task) :: count_task, twice_task
  integer(4) :: x_field(1), bin_fields(2)
  real(8), target :: x(n), most(bins)
  integer(8), target :: number(bins)
  integer(8) :: expected(bins)
  real(8) :: greatest(bins)
  integer :: i, bin, round
  x = [(mod(i*7919, 1009) + 0.5d0, i=1, n)]
  number = 5
  most = -1
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1], [n], points)
  call cohort_index_space_create(rt, [1], [bins], bin_points)
  call cohort_field_space_create(rt, of_points)
  call cohort_field_space_create(rt, of_bins)
  call cohort_fields_allocate(of_points, 8, x_field)
  call cohort_fields_allocate(of_bins, 8, bin_fields)
  call cohort_region_create(rt, points, of_points, samples)
  call cohort_region_create(rt, bin_points, of_bins, histogram)
  call cohort_partition_blocks(samples, [blocks], parts)
  call cohort_attach(ctx, samples, x_field, x)
  call cohort_attach(ctx, histogram, bin_fields(1:1), number)
  call cohort_attach(ctx, histogram, bin_fields(2:2), most)
  call cohort_task_register(rt, 'count', count_task, not_here, leaf=.true.)
  call cohort_task_kernel(count_task, 'count', source=text)
  call cohort_task_register(rt, 'twice', twice_task, not_here, leaf=.true.)
  call cohort_task_kernel(twice_task, 'twice', source=text)
  expected = number
  greatest = most
  do round = 1, rounds
    call cohort_index_launch(ctx, count_task, blocks, [cohort_needs(parts, x_field, COHORT_READ_ONLY), &
      cohort_needs(histogram, bin_fields(1:1), COHORT_REDUCE, reduction=COHORT_SUM, reduction_type=COHORT_INT64), &
      cohort_needs(histogram, bin_fields(2:2), COHORT_REDUCE, reduction=COHORT_MAX, reduction_type=COHORT_DOUBLE, &
        any_order=.true.)])
    call cohort_launch(ctx, twice_task, [cohort_needs(histogram, bin_fields(1:1), COHORT_READ_WRITE)])
    do i = 1, n
      bin = 1 + mod(int(x(i)), bins)
      expected(bin) = expected(bin) + 1
      greatest(bin) = max(greatest(bin), x(i))
    end do
    expected = 2*expected
  end do
  call cohort_wait_all(ctx)
  if (any(number /= expected) .or. any(most /= greatest)) error stop 'FAILED'
  call cohort_finalize(rt)
  print '(a)', 'PASSED'
end program

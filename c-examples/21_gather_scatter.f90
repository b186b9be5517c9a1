! Particles in a field: each gathers the force of the cell that it is in, moves, and scatters its mass to the cell that it is in
! then. Copies with indirection do both; tasks move the particles in between, a block at a time.
module particles
  use cohort
  implicit none
  integer, parameter :: cells = 100, number = 3000, blocks = 5, steps = 20
  integer(4) :: of_cell(2), in_cell(1), of_particle(2)   ! fields: force and density; cell; felt and mass
contains
  pure integer(4) function next_cell(now, pushed)
    integer(4), intent(in) :: now
    real(8), intent(in) :: pushed
    next_cell = modulo(now - 1 + int(pushed), cells) + 1
  end function

  recursive subroutine move(task)
    type(cohort_context), intent(in) :: task
    integer(4), pointer :: cell(:)
    real(8), pointer :: felt(:)
    integer :: p
    call cohort_view(task, 1, in_cell(1), COHORT_READ_WRITE, cell)
    call cohort_view(task, 2, of_particle(1), COHORT_READ_ONLY, felt)
    do p = lbound(cell, 1), ubound(cell, 1)
      cell(p) = next_cell(cell(p), felt(p))
    end do
  end subroutine
end module

program main
  use particles
  implicit none
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: space
  type(cohort_field_space) :: fields
  type(cohort_region) :: field_region, particle_region
  type(cohort_partition) :: parts
  type(cohort_task) :: task
  real(8), target :: force(cells), density(cells), felt(number), mass(number)
  integer(4), target :: cell(number)
  integer(4) :: expected_cell(number)
  real(8) :: expected(cells) = 0
  integer :: c, p, step
  force = [(mod(c, 7) - 3, c=1, cells)]
  cell = [(mod(p*37, cells) + 1, p=1, number)]
  mass = [(1 + mod(p, 3), p=1, number)]
  expected_cell = cell
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1], [cells], space)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, of_cell)
  call cohort_region_create(rt, space, fields, field_region)
  call cohort_attach(ctx, field_region, of_cell(1:1), force)
  call cohort_attach(ctx, field_region, of_cell(2:2), density)
  call cohort_index_space_create(rt, [1], [number], space)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 4, in_cell)
  call cohort_fields_allocate(fields, 8, of_particle)
  call cohort_region_create(rt, space, fields, particle_region)
  call cohort_attach(ctx, particle_region, in_cell, cell)
  call cohort_attach(ctx, particle_region, of_particle(1:1), felt)
  call cohort_attach(ctx, particle_region, of_particle(2:2), mass)
  call cohort_partition_blocks(particle_region, [blocks], parts)
  call cohort_task_register(rt, 'move', task, move, leaf=.true.)

  do step = 1, steps
    ! felt(p) = force(cell(p))
    call cohort_copy(ctx, field_region, of_cell(1:1), particle_region, of_particle(1:1), gather=particle_region, &
                     gather_field=in_cell(1))
    call cohort_index_launch(ctx, task, blocks, [cohort_needs(parts, in_cell, COHORT_READ_WRITE), &
                                                 cohort_needs(parts, of_particle(1:1), COHORT_READ_ONLY)])
    call cohort_fill(ctx, field_region, of_cell(2:2), 0d0)
    ! density(cell(p)) = density(cell(p)) + mass(p)
    call cohort_copy(ctx, particle_region, of_particle(2:2), field_region, of_cell(2:2), scatter=particle_region, &
                     scatter_field=in_cell(1), reduction=COHORT_SUM, reduction_type=COHORT_DOUBLE)
  end do
  call cohort_finalize(rt)

  do p = 1, number
    do step = 1, steps
      expected_cell(p) = next_cell(expected_cell(p), force(expected_cell(p)))
    end do
    expected(expected_cell(p)) = expected(expected_cell(p)) + mass(p)
  end do
  if (any(cell /= expected_cell) .or. any(density /= expected)) error stop 'FAILED'
  print '(a)', 'PASSED'
end program

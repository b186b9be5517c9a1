!> RK4(3)6[2R+]C: six stages, fourth order, two registers (Kennedy, Carpenter & Lewis, Appl. Numer. Math. 35, 2000).
module runge_kutta
  implicit none
  private
  public :: stages, rk_factors, rk_stage, rk_update

  integer, parameter :: stages = 6
  real(8), parameter :: alpha(stages) = [ &
    3296351145737d0/15110423921029d0, 1879360555526d0/7321162733569d0, 10797097731880d0/20472212111779d0, &
    754636544611d0/15563872110659d0, 3260218886217d0/2618290685819d0, 5069185909380d0/12292927838509d0]
  real(8), parameter :: beta(stages) = [ &
    -1204558336989d0/10607789004752d0, -3028468927040d0/14078136890693d0, -455570672869d0/8930094212428d0, &
    -17275898420483d0/15997285579755d0, -2453906524165d0/9868353053862d0, 0d0]

contains

  !> What a stage multiplies the right-hand side with: alpha dt and beta dt.
  pure function rk_factors(stage, dt) result(factors)
    integer, intent(in) :: stage
    real(8), intent(in) :: dt
    real(8) :: factors(2)
    factors = [alpha(stage), beta(stage)]*dt
  end function

  !> One stage. Before the first both q1 and q3 hold the state.
  subroutine rk_stage(stage, n, dt, rhs, q1, q3)
    integer, intent(in) :: stage, n
    real(8), intent(in) :: dt, rhs(n)
    real(8), intent(inout) :: q1(n), q3(n)
    call rk_update(n, rk_factors(stage, dt), rhs, q1, q3)
  end subroutine

  !> q1 = q3 + alpha dt rhs; q3 = q1 + beta dt rhs.
  subroutine rk_update(n, factors, rhs, q1, q3)
    integer, intent(in) :: n
    real(8), intent(in) :: factors(2), rhs(n)
    real(8), intent(inout) :: q1(n), q3(n)
    integer :: i
    do i = 1, n
      q1(i) = q3(i) + factors(1)*rhs(i)
      q3(i) = q1(i) + factors(2)*rhs(i)
    end do
  end subroutine
end module

!> Mixture-averaged transport from fits of pure species and pairs: Wilke's viscosity, mean of the two conductivity averages
!> (Mathur, Tondon & Saxena, Mol. Phys. 12, 1967), D_k = (1 - Y_k)/sum_(j/=k) X_j/D_jk.
module transport
  use mechanism, only: mechanism_t, cantera_form
  implicit none
  private
  public :: mixture_transport

  !> Keeps D_k of a species that is alone defined.
  real(8), parameter :: least_fraction = 1d-20

contains

  subroutine mixture_transport(m, n, ld, T, p, Y, W, mu, lambda, D)
    type(mechanism_t), intent(in) :: m
    integer, intent(in) :: n, ld
    real(8), intent(in) :: T(n), p(n), Y(ld, *), W(n)
    real(8), intent(out) :: mu(n), lambda(n)
    real(8), intent(inout) :: D(ld, *)
    real(8), dimension(n, m%n_species) :: X, root, inverse_root, wilke, friction, others
    real(8), dimension(n) :: log_T, quarter_T, direct, harmonic, mass, pure_lambda, inverse_pD
    real(8) :: ratio, forward, back, quarter
    integer :: i, j, k, pair
    do i = 1, n
      log_T(i) = log(T(i))
      quarter_T(i) = sqrt(sqrt(T(i)))
    end do
    direct = 0
    harmonic = 0
    mass = 0
    do k = 1, m%n_species
      call pure_species(m, k, n, log_T, quarter_T, root(:, k), pure_lambda)
      do i = 1, n
        X(i, k) = max(Y(i, k)*W(i)/m%molecular_weight(k), least_fraction)
        mass(i) = mass(i) + X(i, k)*m%molecular_weight(k)
        inverse_root(i, k) = 1/root(i, k)
        direct(i) = direct(i) + X(i, k)*pure_lambda(i)
        harmonic(i) = harmonic(i) + X(i, k)/pure_lambda(i)
        wilke(i, k) = X(i, k)
        friction(i, k) = 0
        others(i, k) = 0
      end do
    end do
    pair = 0
    do j = 1, m%n_species
      do k = j + 1, m%n_species
        pair = pair + 1
        quarter = sqrt(sqrt(m%molecular_weight(k)/m%molecular_weight(j)))
        forward = 1/sqrt(8*(1 + m%molecular_weight(j)/m%molecular_weight(k)))
        back = 1/sqrt(8*(1 + m%molecular_weight(k)/m%molecular_weight(j)))
        call pair_diffusion(m, pair, n, log_T, quarter_T, inverse_pD)
        do i = 1, n
          ratio = root(i, j)*inverse_root(i, k)*quarter
          wilke(i, j) = wilke(i, j) + X(i, k)*forward*(1 + ratio)**2
          ratio = root(i, k)*inverse_root(i, j)/quarter
          wilke(i, k) = wilke(i, k) + X(i, j)*back*(1 + ratio)**2
          friction(i, j) = friction(i, j) + X(i, k)*inverse_pD(i)
          friction(i, k) = friction(i, k) + X(i, j)*inverse_pD(i)
          others(i, j) = others(i, j) + X(i, k)*m%molecular_weight(k)
          others(i, k) = others(i, k) + X(i, j)*m%molecular_weight(j)
        end do
      end do
    end do
    mu = 0
    do k = 1, m%n_species
      do i = 1, n
        mu(i) = mu(i) + X(i, k)*root(i, k)**2/wilke(i, k)
        ! 1 - Y_k as a sum over the others: the difference is noise where a species is nearly alone.
        D(i, k) = others(i, k)/(mass(i)*p(i)*friction(i, k))
      end do
    end do
    do i = 1, n
      lambda(i) = 0.5d0*(direct(i) + 1/harmonic(i))
    end do
  end subroutine

  !> Square root of the viscosity, and conductivity.
  subroutine pure_species(m, k, n, log_T, quarter_T, root, lambda)
    type(mechanism_t), intent(in) :: m
    integer, intent(in) :: k, n
    real(8), intent(in) :: log_T(n), quarter_T(n)
    real(8), intent(out) :: root(n), lambda(n)
    integer :: i
    if (m%transport_form == cantera_form) then
      do i = 1, n
        root(i) = quarter_T(i)*polynomial(m%viscosity(:, k), log_T(i))
        lambda(i) = quarter_T(i)**2*polynomial(m%conductivity(:, k), log_T(i))
      end do
    else
      do i = 1, n
        root(i) = exp(0.5d0*polynomial(m%viscosity(:, k), log_T(i)))
        lambda(i) = exp(polynomial(m%conductivity(:, k), log_T(i)))
      end do
    end if
  end subroutine

  !> 1/(p D_jk).
  subroutine pair_diffusion(m, pair, n, log_T, quarter_T, inverse_pD)
    type(mechanism_t), intent(in) :: m
    integer, intent(in) :: pair, n
    real(8), intent(in) :: log_T(n), quarter_T(n)
    real(8), intent(out) :: inverse_pD(n)
    integer :: i
    if (m%transport_form == cantera_form) then
      do i = 1, n
        inverse_pD(i) = 1/(quarter_T(i)**6*polynomial(m%diffusion(:, pair), log_T(i)))
      end do
    else
      do i = 1, n
        inverse_pD(i) = exp(-polynomial(m%diffusion(:, pair), log_T(i)))
      end do
    end if
  end subroutine

  pure real(8) function polynomial(c, x)
    real(8), intent(in) :: c(5), x
    polynomial = c(1) + x*(c(2) + x*(c(3) + x*(c(4) + x*c(5))))
  end function
end module

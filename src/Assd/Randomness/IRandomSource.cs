namespace AsArm.Assd.Randomness;

/// <summary>A source of random numbers. Formulas take random numbers as arguments; only the sampling loop owns sources.</summary>
public interface IRandomSource
{
    /// <summary>The next number, uniform in [0, 1).</summary>
    double NextDouble();
}

namespace AsArm.Assd;

/// <summary>Where random numbers come from. The formulas take coins as arguments; only the loop owns a source.</summary>
public interface ICoinSource
{
    /// <summary>A number, uniform in [0, 1).</summary>
    double Toss();
}

namespace AsArm.Perf.Load;

/// <summary>The control: now and then it gives the answer of an earlier request in place of the right one.</summary>
internal sealed class AnswerSwap
{
    private const int Interval = 10;
    private string? _held;
    private int _count;

    /// <summary>Passes an answer on, or an earlier one.</summary>
    public string Pass(string answer) => Interlocked.Increment(ref _count) % Interval == 0 ? Interlocked.Exchange(ref _held, answer) ?? answer : answer;
}

using System.Runtime.InteropServices;

namespace AsArm.Hostile;

/// <summary>Harm of every kind, which has to be noticed; told by negative numbers.</summary>
internal static class Controls
{
    /// <summary>How many there are.</summary>
    public const int Count = 5;

    /// <summary>Ends the process, runs for ever, waits for ever, fills the memory, or throws what no document tells of.</summary>
    public static string DoHarm(int number)
    {
        switch (number)
        {
            case -1:
                Environment.FailFast("control");
                break;
            case -2:
                while (true)
                    Thread.SpinWait(1000);
            case -3:
                Thread.Sleep(Timeout.Infinite);
                break;
            case -4:
                FillMemory();
                break;
            default:
                break;
        }

        return "fault of a control";
    }

    private static unsafe void FillMemory()
    {
        const int Size = 1 << 26;
        while (true)
        {
            NativeMemory.Fill(NativeMemory.Alloc(Size), Size, 1);
            Thread.Sleep(20);
        }
    }
}
